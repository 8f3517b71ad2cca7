import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse, parseAllDocuments, stringify } from 'yaml'
import type { KubernetesObject } from '../../harness/cluster.ts'
import { type Bed, projectFile } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import { command } from '../command.ts'
import { scenario } from '../scenario.ts'

const root = join(import.meta.dirname, '../../..')
const crds = join(root, 'crds')
const account = 'the service account cvmanager:cvmanager'

/** Whatever is missing in an installation is named by the log (once), by /ready and by the commands, until it is there. */
export async function missingRights(t: Test, bed: Bed): Promise<void> {
  const { cluster } = bed
  const run = (...args: readonly string[]) =>
    command(cluster.directory, ...args, '--k8s-config', bed.kubeconfig, '--insecure-registry', bed.registry.host)
  const sync = ['cr', 'sync', '--once', '--namespace', 'default', '--cv', 'web-cv'] as const
  const get = () => command(cluster.directory, 'cv', 'get', '--k8s-config', bed.kubeconfig)

  await t.test('a right of each kind is named until it is granted, and then the version goes out', async (t) => {
    const operator = await bed.operator({ name: 'rights' })
    await operator.isAtWork()
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
    const there = `in namespace ${world.namespace}: apply deploy/rbac.yaml, or its rules as a Role of this namespace, or upgrade the chart`
    const withheld: Record<string, string> = {
      'patch containerversions': `${account} may not patch containerversions "web-cv" ${there}`,
      'update containerversions/status': `${account} may not update containerversions/status "web-cv" ${there}`,
      'patch deployments': `${account} may not patch deployments "web" ${there}`,
      'list pods': `${account} may not list pods ${there}`,
      'get configmaps': `${account} may not get configmaps "web.history" ${there}`,
      'create events': `${account} may not create events ${there}`,
    }
    await withhold(bed, ...Object.keys(withheld))
    await world.ciMoves('env-prod', v2)
    for (const [right, sentence] of Object.entries(withheld)) {
      const { status, reasons } = await operator.readiness(503, sentence)
      t.equal(status, 503)
      t.ok(reasons.includes(sentence), `${sentence}; it says ${reasons.join(' | ')}`)
      t.equal(linesOf(await operator.program.log(), sentence), 1, 'the log says it once')
      // These three end nothing: they are granted at the end.
      if (/pods|configmaps|events/.test(right)) continue
      delete withheld[right]
      await withhold(bed, ...Object.keys(withheld))
    }
    await world.runs(v2)
    await withhold(bed)
    t.same(await operator.readiness(200), { status: 200, reasons: [] })
    t.equal(linesOf(await operator.program.log(), `${account} may list pods in namespace ${world.namespace} now`), 1)
    await operator.stop('SIGTERM')
  })

  await t.test('a list that the account may not have is named for each kind, also by the commands', async (t) => {
    const kinds = ['deployments', 'statefulsets', 'daemonsets', 'replicasets', 'cronjobs', 'jobs', 'pods']
    await withhold(bed, ...kinds.map((kind) => `list ${kind}`), 'watch containerversions')
    const refusals = [...kinds.map((kind) => `list ${kind}`), 'watch containerversions']
    const sentences = refusals.map(
      (right) => `${account} may not ${right} in all namespaces: apply deploy/rbac.yaml, or upgrade the chart`,
    )
    const operator = await bed.operator({ name: 'lists' })
    for (const sentence of sentences) {
      const { status, reasons } = await operator.readiness(503, sentence)
      t.equal(status, 503)
      t.ok(reasons.includes(sentence), reasons.join(' | '))
    }
    await bed.cluster.apply(minimal)
    t.match(await get(), {
      status: 1,
      complaint: /^error: the service account cvmanager:cvmanager may not list \w+ in/,
    })
    const synced = await run(...sync)
    t.equal(synced.status, 1)
    t.match(
      synced.complaint,
      /error: the service account cvmanager:cvmanager may not list \w+ in namespace default: apply/,
    )
    await withhold(bed)
    await operator.isAtWork()
    t.equal((await operator.readiness(200)).status, 200)
    for (const sentence of sentences) t.equal(linesOf(await operator.program.log(), sentence), 1)
    await operator.stop('SIGTERM')
    await cluster.kubectl('delete', 'cv/web-cv')
  })

  await t.test('cr sync --once ends when it may not write the status, and says so in its last line', async (t) => {
    await withhold(bed, 'update containerversions/status')
    await bed.cluster.apply(minimal)
    const { status, complaint } = await run(...sync)
    t.equal(status, 1)
    t.match(
      complaint.trimEnd().split('\n').at(-1),
      /^error: the service account cvmanager:cvmanager may not update containerversions\/status "web-cv" in namespace default: apply/,
    )
    await withhold(bed)
    await cluster.kubectl('delete', 'cv/web-cv')
  })

  await t.test('an account that deploy/rbac.yaml does not name is told to be its subject', async (t) => {
    const operator = await bed.operator({
      name: 'other',
      kubeconfig: await cluster.serviceAccountKubeconfig('default', 'other'),
    })
    const { reasons } = await operator.readiness(503, 'leases')
    t.same(reasons, [
      'the service account default:other may not get leases "cvmanager" in namespace cvmanager: apply deploy/rbac.yaml with the service account default:other as the subject, or name another namespace with --lease-namespace, or upgrade the chart',
    ])
    await operator.stop('SIGTERM')
  })

  await t.test('credentials that are refused are named, and new ones in the file are used', async (t) => {
    const good = await readFile(bed.kubeconfig, 'utf8')
    const kubeconfig = join(cluster.directory, 'expired.kubeconfig')
    const config = parse(good)
    await writeFile(kubeconfig, stringify({ ...config, users: [{ name: 'cvmanager', user: { token: 'expired' } }] }))
    const operator = await bed.operator({ name: 'expired', kubeconfig })
    const { reasons } = await operator.readiness(503, '401')
    t.match(reasons, [
      /does not accept the credentials \(401\) of the kubeconfig's user "cvmanager": .*kubectl create token/,
    ])
    await writeFile(kubeconfig, good)
    await operator.isAtWork()
    t.equal((await operator.readiness(200)).status, 200)
    await operator.stop('SIGTERM')

    await writeFile(kubeconfig, stringify({ ...config, users: [{ name: 'cvmanager', user: {} }] }))
    const anonymous = await command(cluster.directory, 'cv', 'get', '--k8s-config', kubeconfig)
    t.match(anonymous, { status: 1, complaint: /a request without credentials may not list .*--k8s-config|\(401\)/ })
  })

  await t.test(
    'a watched namespace that does not exist is named until it does; others are served meanwhile',
    async (t) => {
      const flags = ['--watch-namespace', 'default', '--watch-namespace', 'later']
      const operator = await bed.operator({ name: 'namespaces', flags })
      const sentence =
        'there is no namespace later; create it (kubectl create namespace later), or correct --watch-namespace'
      t.same(await operator.readiness(503, sentence), { status: 503, reasons: [sentence] })
      await operator.isAtWork()
      await cluster.namespace('later')
      t.equal((await operator.readiness(200)).status, 200)
      t.equal(linesOf(await operator.program.log(), sentence), 1)
      await operator.stop('SIGTERM')
    },
  )

  await t.test(
    'a CustomResourceDefinition of another version is named until that of this version is there',
    async (t) => {
      const crd = await cluster.kubectlJson<Definition>('get', 'crd', 'containerversions.cvmanager.io')
      for (const version of crd.spec.versions) {
        delete version.subresources
        delete version.schema.openAPIV3Schema.properties.status.properties.rollouts
      }
      await cluster.kubectl('delete', '-f', crds)
      await cluster.apply({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'containerversions.cvmanager.io' },
        spec: crd.spec,
      })
      await cluster.established('containerversions.cvmanager.io')
      const operator = await bed.operator({ name: 'outdated' })
      const sentence =
        'the CustomResourceDefinition containerversions.cvmanager.io is of another version: it has no subresource status, status.rollouts; apply that of this version: kubectl apply -f crds/'
      const { reasons } = await operator.readiness(503, sentence)
      t.same(reasons, [sentence])
      await cluster.kubectl('apply', '-f', crds)
      t.equal((await operator.readiness(200)).status, 200)
      await operator.stop('SIGTERM')
    },
  )

  await t.test(
    'a CustomResourceDefinition that is not installed is named until it is, also by the commands',
    async (t) => {
      await cluster.kubectl('delete', '-f', crds)
      const operator = await bed.operator({ name: 'uninstalled' })
      const sentence =
        'the CustomResourceDefinition containerversions.cvmanager.io is not installed; install it: kubectl apply -f crds/'
      t.same(await operator.readiness(503, sentence), { status: 503, reasons: [sentence] })
      t.same(await get(), { status: 1, output: '', complaint: `error: ${sentence}\n` })
      const synced = await run(...sync)
      t.match(synced, { status: 1, complaint: `error: ${sentence}\n` })
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      t.equal(linesOf(await operator.program.log(), sentence), 1, 'the log says it once, however often it is tried')
      await cluster.kubectl('apply', '-f', crds)
      await operator.isAtWork()
      t.equal((await operator.readiness(200)).status, 200)
      await operator.stop('SIGTERM')
    },
  )
}

const minimal: KubernetesObject = {
  apiVersion: 'cvmanager.io/v1',
  kind: 'ContainerVersion',
  metadata: { name: 'web-cv', namespace: 'default' },
  spec: { imageRepo: 'registry.example.com/shop/web', tag: 'env-prod', selector: { cvapp: 'web' } },
}

interface Definition {
  readonly spec: {
    readonly versions: {
      subresources?: object
      schema: { openAPIV3Schema: { properties: { status: { properties: { rollouts?: object } } } } }
    }[]
  }
}

interface Role extends KubernetesObject {
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[]
}

/** Applies the ClusterRole of deploy/rbac.yaml without these rights, such as `list pods`. */
async function withhold({ cluster }: Bed, ...rights: readonly string[]): Promise<void> {
  const documents = parseAllDocuments(await projectFile('deploy/rbac.yaml')).map((one) => one.toJS() as Role)
  const role = documents.find(({ kind }) => kind === 'ClusterRole')
  if (!role) throw new Error('deploy/rbac.yaml has no ClusterRole')
  const rules = role.rules.flatMap((rule) =>
    rule.resources.map((resource) => ({
      ...rule,
      resources: [resource],
      verbs: rule.verbs.filter((verb) => !rights.includes(`${verb} ${resource}`)),
    })),
  )
  await cluster.apply({ ...role, rules: rules.filter(({ verbs }) => verbs.length > 0) })
}

/** How many lines of the log say this, besides the events of a ContainerVersion, which may give it as their cause. */
const linesOf = (log: string, sentence: string): number =>
  log
    .split('\n')
    .filter(
      (line) => line.includes(`"msg":${JSON.stringify(sentence).slice(0, -1)}`) && !line.includes('"containerVersion"'),
    ).length

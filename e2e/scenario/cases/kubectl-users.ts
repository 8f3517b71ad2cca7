import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { parse, stringify } from 'yaml'
import { toolPath } from '../../harness/tools.ts'
import type { Bed } from '../bed.ts'
import { v1 } from '../builds.ts'
import { runs } from '../command.ts'
import { bundle } from '../operator.ts'
import { emptyWorld, webCv, workloads } from '../scenario.ts'

/** As a cloud's plugin: it fails without what kubectl tells it, and issues the token of a file. */
const plugin = `#!/bin/sh
case "$KUBERNETES_EXEC_INFO" in
  *'"kind":"ExecCredential"'*'"server":"https://'*) ;;
  *) echo "no KUBERNETES_EXEC_INFO: $KUBERNETES_EXEC_INFO" >&2; exit 1 ;;
esac
[ "$1 $GREETING" = 'get-token hello' ] || exit 2
printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}' "$(cat "$(dirname "$0")/../token")"
`

const exec = (command: string) => ({
  apiVersion: 'client.authentication.k8s.io/v1',
  command,
  args: ['get-token'],
  env: [{ name: 'GREETING', value: 'hello' }],
  interactiveMode: 'IfAvailable',
  provideClusterInfo: true,
  installHint: 'Install the plugin with your package manager.',
})

/** `cv get` takes each kubeconfig that kubectl takes, and shows what this account may list. */
export async function kubectlUsers(t: Test, bed: Bed): Promise<void> {
  const world = await emptyWorld(t, bed)
  const { directory } = bed.cluster
  await world.makes(...workloads(world, { deployment: 'web', running: v1 }), webCv(world, 'env-prod'))
  // The rights of a developer in one namespace, as Kubernetes' own role and deploy/viewers.yaml have them.
  await bed.cluster.kubectl('apply', '-f', join(import.meta.dirname, '../../../deploy/viewers.yaml'))
  const account = `--serviceaccount=${world.namespace}:dev`
  const kubeconfig = await bed.cluster.serviceAccountKubeconfig(world.namespace, 'dev')
  await world.kubectl('create', 'rolebinding', 'dev', '--clusterrole=view', account)
  const config = parse(await readFile(kubeconfig, 'utf8'))
  const [{ name, user }] = config.users
  const home = join(directory, 'developer')
  const file = async (path: string, content: string, mode = 0o600) => {
    await mkdir(dirname(join(home, path)), { recursive: true })
    await writeFile(join(home, path), content, { mode })
    return join(home, path)
  }
  await file('token', user.token)
  const tool = await file('bin/cloud-auth', plugin, 0o700)
  const as = (path: string, own: object) => file(path, stringify({ ...config, users: [{ name, user: own }] }))
  const ways: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'a token': { KUBECONFIG: kubeconfig },
    'a token file': { KUBECONFIG: await as('by-token-file', { tokenFile: 'token' }) },
    'a plugin beside the kubeconfig': { KUBECONFIG: await as('by-plugin', { exec: exec('./bin/cloud-auth') }) },
    'a plugin on the PATH': {
      KUBECONFIG: await as('by-path', { exec: exec('cloud-auth') }),
      PATH: `${dirname(tool)}:${process.env.PATH}`,
    },
    'a list of kubeconfigs': {
      KUBECONFIG: [
        await file('cluster', stringify({ ...config, users: [] })),
        await file('users', stringify({ users: [{ name, user: { exec: exec('./bin/cloud-auth') } }] })),
      ].join(':'),
    },
  }
  const both = async (environment: Readonly<Record<string, string>>, ...flags: readonly string[]) => {
    const env = { HOME: home, ...environment }
    return Promise.all([
      runs(process.execPath, [await bundle(directory), 'cv', 'get', ...flags], env),
      runs(toolPath('kubectl'), ['--request-timeout', '10s', 'get', 'cv', ...flags], env),
    ])
  }
  for (const [way, environment] of Object.entries(ways)) {
    for (const flags of [[], ['-n', world.namespace]]) {
      const [ours, theirs] = await both(environment, ...flags)
      t.match(theirs, { status: 0, output: /web-cv/ }, `kubectl with ${way}`)
      t.match(ours, { status: 0, output: /web .*web-cv/ }, `cv get with ${way}: ${ours.complaint}`)
      const left = `only namespace ${world.namespace} is shown: the service account ${world.namespace}:dev may not list containerversions in all`
      t.match(ours.complaint, flags.length === 0 ? left : /^$/)
    }
  }
  const elsewhere = await both(ways['a token'] ?? {}, '-n', 'default')
  for (const { status } of elsewhere) t.equal(status, 1)

  const [gone] = await both({ KUBECONFIG: await as('gone', { exec: exec('not-installed') }) })
  t.match(gone, { status: 1, complaint: /not-installed.*Install the plugin with your package manager/ })

  const few = ['--verb=list', '--resource=deployments.apps,containerversions.cvmanager.io']
  await world.kubectl('delete', 'rolebinding', 'dev')
  await world.kubectl('create', 'role', 'few', ...few)
  await world.kubectl('create', 'rolebinding', 'few', '--role=few', account)
  const [some] = await both({ KUBECONFIG: kubeconfig }, '-n', world.namespace)
  t.match(some, { status: 0, output: /web .*web-cv/ })
  t.match(
    some.complaint,
    /^warning: left out: the service account \S+:dev may not list statefulsets in namespace \S+$/m,
  )
}

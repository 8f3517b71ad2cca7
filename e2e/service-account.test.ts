/** spec.serviceAccountName on a real API server with moto's ECR and STS. cvmanager has the rights of deploy/rbac.yaml. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Cluster, type KubernetesObject, startCluster } from './harness/cluster.ts'
import { MOTO_REGION, type Moto, motoEnvironment, startMoto } from './harness/moto.ts'
import { freePort } from './harness/ports.ts'
import { RunningProgram } from './harness/processes.ts'
import { until, untilValue } from './harness/until.ts'

const root = join(import.meta.dirname, '..')
const account = 'registry-reader'
const roleOf = (tenant: string) => `arn:aws:iam::123456789012:role/${tenant}`

function tenant(namespace: string, imageRepo: string, serviceAccountName: string | undefined): KubernetesObject[] {
  const labels = { app: 'web' }
  const containers = [{ name: 'main', image: `${imageRepo}:0000000` }]
  // ECR takes no pull secrets. cvmanager ignores this one, which it may not even read.
  const template = { metadata: { labels }, spec: { containers, imagePullSecrets: [{ name: 'ecr-token' }] } }
  return [
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: account, namespace, annotations: { 'eks.amazonaws.com/role-arn': roleOf(namespace) } },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace, labels },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: 'cvmanager.io/v1',
      kind: 'ContainerVersion',
      metadata: { name: 'web', namespace },
      spec: { imageRepo, tag: 'env-prod', selector: labels, pollIntervalSeconds: 5, serviceAccountName },
    },
  ]
}

const ready = (cluster: Cluster, namespace: string, field: string, wanted: RegExp) =>
  untilValue(
    `the condition Ready of ${namespace}/web`,
    () =>
      cluster.kubectl(
        'get',
        'cv/web',
        '-n',
        namespace,
        '-o',
        `jsonpath={.status.conditions[?(@.type=="Ready")].${field}}`,
      ),
    (seen) => wanted.test(seen),
    30_000,
  )
const runs = (cluster: Cluster, namespace: string, image: string) =>
  untilValue(
    `${namespace} to run ${image}`,
    () =>
      cluster.kubectl('get', 'deploy/web', '-n', namespace, '-o', 'jsonpath={.spec.template.spec.containers[0].image}'),
    (seen) => seen === image,
    30_000,
  )

/** The tokens that STS received. */
const exchanges = (moto: Moto) =>
  moto.calls
    .filter(({ action }) => action === 'sts:AssumeRoleWithWebIdentity')
    .map(({ body }) => {
      const form = new URLSearchParams(body)
      const [, payload = ''] = (form.get('WebIdentityToken') ?? '').split('.')
      const { sub, aud, exp, iat } = JSON.parse(Buffer.from(payload, 'base64url').toString())
      return { role: form.get('RoleArn'), token: form.get('WebIdentityToken') ?? '', sub, aud, seconds: exp - iat }
    })

async function startOperator(t: Test, cluster: Cluster, moto: Moto): Promise<RunningProgram> {
  const operator = new RunningProgram({
    name: 'cvmanager',
    path: process.execPath,
    args: [
      join(root, 'operator/main.ts'),
      ...['run', '--k8s-config', await cluster.serviceAccountKubeconfig('cvmanager', 'cvmanager')],
      ...['--lease-namespace', 'cvmanager', '--log-format', 'json', '--log-level', 'debug'],
      ...['--port', String(await freePort()), '--insecure-registry', new URL(moto.endpoint).host],
      ...['--registry-endpoint', `ecr=${moto.endpoint}`, '--registry-endpoint', `sts=${moto.endpoint}`],
    ],
    directory: cluster.directory,
    logFile: join(cluster.directory, 'cvmanager.log'),
    env: { HOME: cluster.directory, ...motoEnvironment, AWS_REGION: MOTO_REGION },
  })
  t.teardown(() => operator.stop('SIGKILL'))
  await until('cvmanager to be at work', async () => {
    await operator.assertRunning()
    return (await operator.log()).includes('cvmanager is at work')
  })
  return operator
}

t.test('service accounts keep tenants apart', async (t) => {
  t.setTimeout(180_000)
  const [cluster, moto] = await Promise.all([startCluster(), startMoto()])
  t.teardown(() => Promise.all([cluster.stop(), moto.stop()]))
  await cluster.kubectl('apply', '-f', join(root, 'crds'))
  await cluster.established('containerversions.cvmanager.io')
  for (const name of ['cvmanager', 'shop', 'bank']) await cluster.namespace(name)
  await cluster.kubectl('apply', '-f', join(root, 'deploy/rbac.yaml'))
  const role = await readFile(join(root, 'deploy/service-account-tokens.yaml'), 'utf8')
  await cluster.applyText(role)
  const operator = await startOperator(t, cluster, moto)
  const imageRepo = `${moto.host}/shop/web`
  const image = `${imageRepo}:1111111@${await moto.push('shop/web', ['1111111', 'env-prod'])}`
  moto.forget()

  await t.test('a tenant with the Role gets its version with its own role in AWS', async (t) => {
    await cluster.apply(...tenant('shop', imageRepo, account))
    await runs(cluster, 'shop', image)
    const [first, ...others] = exchanges(moto)
    t.match(first, {
      role: roleOf('shop'),
      sub: `system:serviceaccount:shop:${account}`,
      aud: ['sts.amazonaws.com'],
      seconds: 600,
    })
    t.same(others, [], 'once, and not for each poll')
    t.notMatch(await operator.log(), first?.token ?? 'no token')
  })

  await t.test('S2 without the Role the status says which one to grant, and nobody requests a token', async (t) => {
    await cluster.apply(...tenant('bank', imageRepo, account))
    await ready(cluster, 'bank', 'reason', /^ServiceAccountTokenNotReadable$/)
    // The condition has it in short.
    const message = await cluster.kubectl('get', 'cv/web', '-n', 'bank', '-o', 'jsonpath={.status.message}')
    t.match(message, `cvmanager may not act as the service account bank/${account}`)
    t.match(message, 'deploy/service-account-tokens.yaml')
    t.equal(exchanges(moto).length, 1)
  })

  await t.test('S2 the account of another namespace is out of reach', async (t) => {
    const [, , cv] = tenant('bank', imageRepo, `shop/${account}`)
    await t.rejects(cluster.apply(cv as KubernetesObject), /must be the name of an object in the same namespace/)
    await cluster.kubectl('delete', `serviceaccount/${account}`, '-n', 'bank')
    await cluster.applyText(role.replaceAll('namespace: shop', 'namespace: bank'))
    await ready(cluster, 'bank', 'reason', /^ServiceAccountNotFound$/)
    t.equal(exchanges(moto).length, 1)
  })

  await t.test('once the account and the Role exist, the tenant continues by itself', async (t) => {
    await cluster.apply(...tenant('bank', imageRepo, account))
    await runs(cluster, 'bank', image)
    t.match(exchanges(moto)[1], { role: roleOf('bank'), sub: `system:serviceaccount:bank:${account}` })
  })

  t.notOk(
    moto.calls.some(({ accessKey }) => accessKey === motoEnvironment.AWS_ACCESS_KEY_ID),
    'cvmanager never used its own identity',
  )
  if (!t.passing()) t.comment(await operator.log())
})

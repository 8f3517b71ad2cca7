/** `cr sync` outside the cluster, on a real API server, with a registry that requires a password, and with ECR. */
import { join } from 'node:path'
import t from 'tap'
import { spawned } from '../operator/cli/spawned.fixture.ts'
import { type KubernetesObject, startCluster } from './harness/cluster.ts'
import { motoEnvironment, startMoto } from './harness/moto.ts'
import { startRegistry } from './harness/registry.ts'
import { account } from './harness/token-server.ts'

const root = join(import.meta.dirname, '..')
const namespace = 'default'

const deployment = (name: string, image: string): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace, labels: { app: name } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image }] } },
  },
})

const containerVersion = (name: string, imageRepo: string): KubernetesObject => ({
  apiVersion: 'cvmanager.io/v1',
  kind: 'ContainerVersion',
  metadata: { name, namespace },
  spec: { imageRepo, tag: 'env-prod', selector: { app: name } },
})

t.test('cr sync rolls out with the provider and the credentials of its flags', async (t) => {
  const [cluster, registry, moto] = await Promise.all([startCluster(), startRegistry({ auth: 'token' }), startMoto()])
  t.teardown(() => Promise.all([cluster.stop(), registry.stop(), moto.stop()]))
  await cluster.kubectl('apply', '-f', join(root, 'crds'))
  await cluster.established('containerversions.cvmanager.io')
  const repositories = { oci: registry.repository('shop/web'), ecr: `${moto.host}/shop/web` }
  const old = {
    oci: await registry.push('shop/web', ['0a1b2c3']),
    ecr: { digest: await moto.push('shop/web', ['0a1b2c3']) },
  }
  const wanted = {
    oci: (await registry.push('shop/web', ['env-prod', '1a2b3c4'])).digest,
    ecr: await moto.push('shop/web', ['env-prod', '1a2b3c4']),
  }
  for (const name of ['oci', 'ecr'] as const) {
    await cluster.apply(deployment(name, `${repositories[name]}:0a1b2c3@${old[name].digest}`))
    await cluster.apply(containerVersion(name, repositories[name]))
  }
  const image = (name: string) =>
    cluster.kubectl('get', 'deployment', name, '-o', 'jsonpath={.spec.template.spec.containers[0].image}')
  const sync = async (name: string, flags: readonly string[], env: Record<string, string> = {}, stdin = '') => {
    const args = ['cr', 'sync', '--namespace', namespace, '--cv', name, '--once', '--k8s-config', cluster.kubeconfig]
    const { child, ended } = spawned(t, '../main.ts', [...args, ...flags], env)
    child.stdin?.end(stdin)
    return await ended
  }

  const plain = ['--insecure-registry', registry.host]
  const mismatch = await sync('oci', [...plain, '--provider', 'dockerhub'])
  t.equal(mismatch.status, 1)
  t.match(mismatch.stderr, /127\.0\.0\.1:\d+ is not a host of the provider dockerhub/)
  t.match(mismatch.stdout, /^ContainerVersion default\/oci failed: .*is not a host of the provider dockerhub.*\n$/)
  const refused = await sync('oci', [...plain, '--provider', 'oci'])
  t.equal(refused.status, 1)
  t.match(refused.stderr, /refused anonymous access to repository shop\/web/)
  t.match(await image('oci'), ':0a1b2c3@', 'nothing has changed')

  const login = ['--username', account.username, '--password-stdin']
  const rolled = await sync('oci', [...plain, ...login, '--provider', 'oci'], {}, account.password)
  t.same(
    [rolled.status, rolled.stdout],
    [0, 'ContainerVersion default/oci was rolled out: all workloads run 1a2b3c4\n'],
    rolled.stderr,
  )
  t.equal(await image('oci'), `${repositories.oci}:1a2b3c4@${wanted.oci}`)
  const home = t.testdir({ '.docker': { 'config.json': registry.dockerConfig() } })
  const again = await sync('oci', plain, { HOME: home })
  t.same(
    [again.status, again.stdout],
    [0, 'ContainerVersion default/oci is up to date: all workloads run 1a2b3c4\n'],
    again.stderr,
  )

  const amazon = ['--provider', 'ecr', '--registry-endpoint', `ecr=${moto.endpoint}`]
  const onEcr = await sync('ecr', amazon, { ...motoEnvironment })
  t.same(
    [onEcr.status, onEcr.stdout],
    [0, 'ContainerVersion default/ecr was rolled out: all workloads run 1a2b3c4\n'],
    onEcr.stderr,
  )
  t.equal(await image('ecr'), `${repositories.ecr}:1a2b3c4@${wanted.ecr}`)
})

import type { Registry } from '../../harness/registry.ts'
import { type Bed, operatorUser, projectFile } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import { type AddTest, emptyWorld, webCv, workloads } from '../scenario.ts'
import type { World } from '../world.ts'

export interface GuardedRegistries {
  readonly basic: Registry
  readonly token: Registry
}

const web = { deployment: 'web', running: v1 } as const

/** Registries that require credentials. */
export function access(test: AddTest, bed: Bed, { basic, token }: GuardedRegistries): void {
  test('the pull secret of the pod template opens a registry with basic authentication', async (t) => {
    const world = await emptyWorld(t, bed, basic)
    await mayReadPullSecret(world)
    await pullSecret(world, basic)
    await world.ciMoves('env-prod', v1)
    const workload = { podSpec: { imagePullSecrets: [{ name: 'regcred' }] } }
    await world.makes(...workloads(world, { ...web, workload }), webCv(world, 'env-prod'))
    await world.runs(v1)
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    t.equal(await world.imagePatches('web'), 1)
  })

  test('the pull secret of the service account opens a registry with bearer tokens, and one token serves many polls', async (t) => {
    const world = await emptyWorld(t, bed, token)
    await mayReadPullSecret(world)
    await pullSecret(world, token)
    await world.kubectl('patch', 'serviceaccount/default', '--patch', '{"imagePullSecrets": [{"name": "regcred"}]}')
    await world.ciMoves('env-prod', v1)
    await world.makes(...workloads(world, web), webCv(world, 'env-prod'))
    await world.runs(v1)
    const tokens = token.count({ kind: 'token' })
    await world.pollsAgain(2)
    t.equal(token.count({ kind: 'token' }), tokens, 'the token is reused')
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
  })

  test('the status names a pull secret that does not exist, and cvmanager uses it as soon as it does', async (t) => {
    const world = await emptyWorld(t, bed, basic)
    await mayReadPullSecret(world)
    await world.ciMoves('env-prod', v2)
    const imagePullSecrets = [{ name: 'regcred' }]
    await world.makes(...workloads(world, web), webCv(world, 'env-prod', { imagePullSecrets }))
    await world.becomes('Stalled', { reason: 'PullSecretNotFound' })
    const events = await world.waitsForEvent('ContainerVersion/web-cv', 'PullSecretNotFound')
    t.match(events, [
      {
        reason: 'PullSecretNotFound',
        message: /there is no Secret scenario-\d+\/regcred, which spec\.imagePullSecrets names/,
      },
    ])
    t.equal(events.length, 1)
    t.equal(await world.imagePatches('web'), 0)
    await pullSecret(world, basic)
    await world.runs(v2)
  })

  test('the status names a pull secret that cvmanager may not read, and the missing right', async (t) => {
    const world = await emptyWorld(t, bed, basic)
    await pullSecret(world, basic)
    await world.ciMoves('env-prod', v2)
    const imagePullSecrets = [{ name: 'regcred' }]
    await world.makes(...workloads(world, web), webCv(world, 'env-prod', { imagePullSecrets }))
    const { status } = await world.becomes('Stalled', { reason: 'PullSecretNotReadable' })
    const { namespace } = world
    t.equal(
      status.message,
      `the service account cvmanager:cvmanager may not read the pull secret ${namespace}/regcred: apply deploy/pull-secrets.yaml with namespace ${namespace} and resourceNames [regcred], or set rbac.pullSecrets of the chart.`,
    )
    await mayReadPullSecret(world)
    await world.kubectl('annotate', 'cv/web-cv', 'touched=yes')
    await world.runs(v2)
  })

  test('pull secrets that are missing, unreadable, of another type, empty or wrong take no usable one away', async (t) => {
    const world = await emptyWorld(t, bed, basic)
    const wrong = { username: 'puller', password: 'wr0ng-passw0rd' }
    const config = (text: string) => ({
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': text },
    })
    const contents = {
      opaque: { type: 'Opaque', stringData: { password: wrong.password } },
      empty: config('{}'),
      nothing: config(JSON.stringify({ auths: { 'other.example.com': null, [basic.host]: { auth: null } } })),
      wrong: config(basic.dockerConfig(wrong)),
      right: config(basic.dockerConfig()),
    }
    for (const [name, content] of Object.entries(contents)) {
      await world.makes({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace: world.namespace },
        ...content,
      })
    }
    await mayReadPullSecret(world, ...Object.keys(contents))
    await world.ciMoves('env-prod', v2)
    await world.makes({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'unreadable', namespace: world.namespace },
    })
    const imagePullSecrets = ['gone', 'unreadable', ...Object.keys(contents)].map((name) => ({ name }))
    const workload = { podSpec: { imagePullSecrets } }
    await world.makes(...workloads(world, { ...web, workload }), webCv(world, 'env-prod'))
    await world.runs(v2)
    t.equal(await world.imagePatches('web'), 1)
  })

  test('S4 a tenant cannot find out what listens on the loopback of the manager', async (t) => {
    const world = await emptyWorld(t, bed, basic)
    const [, open = ''] = basic.host.split(':')
    const messages: string[] = []
    for (const [name, port] of [
      ['open', open],
      ['closed', '1'],
    ] as const) {
      const imageRepo = `localhost:${port}/shop/web`
      await world.makes(webCv(world, 'env-prod', { imageRepo }, name))
      const { status } = await world.becomes('Stalled', { of: name, reason: 'RegistryAddressForbidden' })
      messages.push(String(status.message).replaceAll(`localhost:${port}`, 'localhost:PORT'))
    }
    t.equal(messages[0], messages[1])
  })

  test('S7 no event and no status contains a secret', async (t) => {
    const world = await emptyWorld(t, bed, basic)
    await mayReadPullSecret(world)
    const wrong = { username: 'puller', password: 'wr0ng-passw0rd' }
    await world.ciMoves('env-prod', v2)
    await pullSecret(world, basic, wrong)
    const imagePullSecrets = [{ name: 'regcred' }]
    await world.makes(...workloads(world, web), webCv(world, 'env-prod', { imagePullSecrets }))
    await world.becomes('Stalled', { reason: 'RegistryAccessDenied' })
    const written = await bed.cluster.auditLog({ user: operatorUser, namespace: world.namespace })
    t.match((await world.status()).message, /refused the credentials for repository .*\(401/)
    const encoded = Buffer.from(`${wrong.username}:${wrong.password}`).toString('base64')
    for (const secret of [wrong.password, encoded]) t.notOk(JSON.stringify(written).includes(secret))
  })
}

/** As deploy/pull-secrets.yaml grants it. */
export async function mayReadPullSecret(world: World, ...names: readonly string[]): Promise<void> {
  const { cluster } = world.bed
  const manifest = await projectFile('deploy/pull-secrets.yaml', {
    'namespace: shop': `namespace: ${world.namespace}`,
    'resourceNames: [regcred]': `resourceNames: [${names.length > 0 ? names.join(', ') : 'regcred'}]`,
  })
  await cluster.applyText(manifest)
}

export async function pullSecret(
  world: World,
  registry: Registry,
  credentials?: { username: string; password: string },
) {
  await world.makes({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'regcred', namespace: world.namespace },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': registry.dockerConfig(credentials) },
  })
}

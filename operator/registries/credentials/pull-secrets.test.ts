import t, { type Test } from 'tap'
import { ApiError } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { SteppedTime } from '../../time/testing/stepped-time.ts'
import { OciRegistry } from '../oci/oci.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { CredentialResolver } from './credential-resolver.ts'
import { type CredentialSource, withCredentials } from './credential-source.ts'
import { DockerLogins } from './docker-logins.ts'
import { type PullSecretSource, PullSecrets } from './pull-secrets.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const host = 'registry.example.com'
const web = { host, path: 'shop/web' }
const dockerConfig = (username: string, server = host) =>
  JSON.stringify({ auths: { [server]: { auth: base64(`${username}:hunter2`) } } })
const secret = (text: string, key = '.dockerconfigjson') => ({ data: { [key]: base64(text) } })
const ofUser = (username: string, server?: string) => secret(dockerConfig(username, server))
const template = (...imagePullSecrets: string[]): PullSecretSource => ({ imagePullSecrets, serviceAccountName: 'web' })

/** The API server has these objects of one namespace; a number is the status that it answers instead. */
function cluster(objects: Readonly<Record<string, object | number>>, accounts: Readonly<Record<string, object>> = {}) {
  const reads: string[] = []
  const get = (path: string) => {
    const [name = ''] = path.split('/').slice(-1)
    reads.push(name)
    const found = path.includes('/serviceaccounts/') ? accounts[name] : objects[name]
    if (typeof found === 'object') return Promise.resolve(found)
    const refusal = `User "system:serviceaccount:cvmanager:cvmanager" cannot get resource "secrets" in API group "" in the namespace "shop"`
    const answer = JSON.stringify({ kind: 'Status', message: found === 403 ? refusal : `${name} not found` })
    return Promise.reject(ApiError.fromAnswer({ method: 'GET', path }, found ?? 404, answer))
  }
  const time = new SteppedTime()
  const resolver = new CredentialResolver({ cloudOf: () => undefined, logins: new DockerLogins([]), clock: time })
  const warnings: string[] = []
  const secrets = new PullSecrets({ get } as unknown as ApiClient, time, resolver, (key, fault) => {
    warnings.push(`${key} ${fault.reason} ${fault.message}`)
  })
  const find = async (
    workloads: readonly PullSecretSource[],
    { named, afresh = false }: { readonly named?: readonly string[]; readonly afresh?: boolean } = {},
  ) => {
    const imagePullSecrets = named?.map((name) => ({ name }))
    const owner = { key: 'shop/web-cv', namespace: 'shop', spec: { imagePullSecrets } }
    return await secrets.credentials(owner, workloads, web, afresh)
  }
  return { find, warnings, reads, time }
}

const users = (source: CredentialSource): readonly (string | undefined)[] => {
  const all = source.kind === 'several' ? source.candidates : [source]
  return all.map((each) => ('username' in each ? each.username : each.kind))
}

t.test("several pull secrets for one registry keep the template's order", async (t) => {
  const { find } = cluster({
    zeta: ofUser('zoe'),
    alpha: ofUser('ann'),
    legacy: secret(JSON.stringify({ [host]: { auth: base64('bob:x') } }), '.dockercfg'),
  })
  t.same(users(await find([template('zeta', 'alpha', 'legacy')])), ['zoe', 'ann', 'bob'])
  t.same(users(await find([template('alpha'), template('zeta', 'alpha')])), ['ann', 'zoe'], 'of several workloads')
  t.same(users(await find([], { named: ['legacy', 'zeta'] })), ['bob', 'zoe'])
  const same = cluster({ one: ofUser('ann'), two: ofUser('ann') })
  t.same(users(await same.find([template('one', 'two')])), ['ann'], 'equal credentials are tried once')
})

const unusable = {
  opaque: { type: 'Opaque', data: { password: base64('hunter2') } },
  empty: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': '' } },
  bare: {},
  garbage: secret('hunter2'),
  broken: secret(JSON.stringify({ auths: { [host]: { auth: 'hunter2' } } })),
  forbidden: 403,
}
const reasons: Readonly<Record<string, string>> = { forbidden: 'PullSecretNotReadable', gone: 'PullSecretNotFound' }

t.test('a secret that cannot be used takes no usable one away, and is told once', async (t) => {
  for (const bad of [...Object.keys(unusable), 'gone']) {
    for (const named of [undefined, [bad, 'good']]) {
      const { find, warnings } = cluster({ ...unusable, good: ofUser('ann') })
      for (const afresh of [false, true, true]) {
        t.same(users(await find([template(bad, 'good')], { ...(named && { named }), afresh })), ['ann'], bad)
      }
      t.match(warnings, [new RegExp(`^shop/web-cv ${reasons[bad] ?? 'PullSecretInvalid'} .*shop/${bad}\\b`)])
      t.equal(warnings.length, 1, bad)
      t.notMatch(warnings.join(), /hunter2|aHVudGVyMg/)
    }
  }
})

t.test('without a usable one access is anonymous, and what is wrong is said where that is refused', async (t) => {
  for (const bad of Object.keys(unusable)) {
    const { find, warnings } = cluster(unusable)
    t.same(users(await find([template(bad)])), ['anonymous'], bad)
    t.equal(warnings.length, 1)
    await t.rejects(find([template(bad)], { afresh: true }), {
      name: 'NeedsChangeError',
      message: new RegExp(`shop/${bad}`),
    })
    await t.rejects(cluster(unusable).find([], { named: [bad] }), { name: 'NeedsChangeError' }, 'the spec names it')
  }
  t.same(users(await cluster({}).find([template('gone')], { afresh: true })), ['anonymous'], 'the kubelet skips it')
})

t.test('what the spec names is used as soon as it is there', async (t) => {
  const objects: Record<string, object> = {}
  const { find, time } = cluster(objects)
  const named = ['regcred']
  await t.rejects(find([], { named }), {
    name: 'NeedsChangeError',
    reason: 'PullSecretNotFound',
    message: /which spec\.imagePullSecrets names/,
  })
  objects.regcred = secret('hunter2')
  await time.advance(2)
  await t.rejects(find([], { named }), { name: 'NeedsChangeError', reason: 'PullSecretInvalid' })
  objects.regcred = ofUser('ann')
  await time.advance(2)
  t.same(users(await find([], { named })), ['ann'])
})

t.test('null and broken entries of other registries are nothing', async (t) => {
  const auths = { 'a.example.com': null, 'b.example.com': { auth: null }, 'c.example.com': { auth: 'hunter2' } }
  const { find, warnings } = cluster({
    regcred: secret(JSON.stringify({ auths: { ...auths, [host]: { auth: base64('ann:x') } } })),
  })
  t.same(users(await find([template('regcred')])), ['ann'])
  t.same(warnings, [])
})

t.test('after a refusal, the secrets of the service account are tried too, for pods that name none', async (t) => {
  const accounts = { web: { imagePullSecrets: [{ name: 'second' }, { name: 'first' }] } }
  const secrets = { first: ofUser('ann'), second: ofUser('bob'), own: ofUser('own') }
  const { find, reads } = cluster(secrets, accounts)
  t.same(users(await find([template()])), ['anonymous'])
  t.same(reads, [])
  t.same(users(await find([template()], { afresh: true })), ['bob', 'ann'])
  t.same(users(await cluster(secrets, accounts).find([template('own')], { afresh: true })), ['own'])
})

/** A registry with basic authentication that accepts some users, and counts requests by user. */
async function guarded(t: Test, accepted: ReadonlySet<string>, refusal: number) {
  const server = await peer(t, ({ headers: { authorization = '' } }, response) => {
    const [user = ''] = Buffer.from(authorization.slice('Basic '.length), 'base64').toString().split(':')
    if (authorization === '') return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    if (!accepted.has(user)) return response.writeHead(refusal).end()
    return response
      .writeHead(200, {
        'docker-content-digest': `sha256:${'a'.repeat(64)}`,
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
      })
      .end()
  })
  const registry = new OciRegistry(transportTo(t, [server.host]))
  return async (source: CredentialSource) => {
    const before = server.asked.length
    const resolve = withCredentials(source, undefined, async (credentials) => {
      return await registry.resolve({ ...web, host: server.host }, 'env-prod', { credentials })
    })
    const answer = await resolve.catch(({ reason }) => reason)
    return [answer, server.asked.length - before]
  }
}

/** Other tools tried the first alone (keel-hq/keel#798, enix/kube-image-keeper#237, knative/serving#13126). */
t.test(
  'the next credentials are tried when some are refused, and cost nothing while the first ones work',
  async (t) => {
    for (const refusal of [401, 403, 404]) {
      const accepted = new Set(['ann'])
      const ask = await guarded(t, accepted, refusal)
      const { find } = cluster({ old: ofUser('old'), good: ofUser('ann'), spare: ofUser('spare') })
      const source = await find([template('old', 'good', 'spare')])
      const digest = `sha256:${'a'.repeat(64)}`
      t.equal((await ask(source))[0], digest)
      t.same(await ask(source), [digest, 1], 'what was accepted is remembered')
      t.same(await ask(await find([template('old', 'good', 'spare')], { afresh: true })), [digest, 1], 'by credential')
      accepted.clear()
      t.same(await ask(source), [refusal === 404 ? 'TagNotFound' : 'RegistryAccessDenied', 3])
      accepted.add('spare')
      t.equal((await ask(source))[0], digest)
      t.same(await ask(source), [digest, 1])
    }
  },
)

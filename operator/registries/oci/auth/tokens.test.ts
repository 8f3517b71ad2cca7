import t, { type Test } from 'tap'
import { SteppedTime } from '../../../time/testing/stepped-time.ts'
import { anonymous, type Credentials } from '../../registry.ts'
import { peer, transportTo } from '../../testing/peer.ts'
import { Tokens } from './tokens.ts'

const login: Credentials = { kind: 'basic', username: 'ann', password: 'x' }

const scopeOf = (repository: string): string => `repository:${repository}:pull`

/** A token service whose tokens are named by their number and last 100 s; `refuses` makes it refuse a set of scopes. */
async function service(t: Test, refuses: (scopes: readonly string[]) => boolean = () => false) {
  const asked: string[][] = []
  const server = await peer(t, (request, response) => {
    const scopes = new URL(request.url ?? '/', 'http://x').searchParams.getAll('scope')
    asked.push(scopes)
    if (refuses(scopes)) return response.writeHead(403).end()
    return response.end(JSON.stringify({ token: `t${asked.length}`, expires_in: 100 }))
  })
  const time = new SteppedTime()
  const tokens = new Tokens(transportTo(t, [server.host]), time)
  const owner = { registry: server.host, realm: `http://${server.host}/token`, service: 's' }
  const get = (repository: string, credentials: Credentials = login) => {
    const about = { repository: { host: server.host, path: repository }, what: 'tag x' }
    return tokens.get({ service: owner, credentials }, scopeOf(repository), scopeOf(repository), about)
  }
  const forget = (repository: string) => tokens.forget({ service: owner, credentials: login }, scopeOf(repository))
  return { asked, time, get, forget, server }
}

t.test('one request serves all callers at the same time, and its token those that come later', async (t) => {
  const { asked, time, get } = await service(t)
  t.same(await Promise.all([get('a'), get('a'), get('a')]), ['t1', 't1', 't1'])
  await time.advance(80_000)
  t.equal(await get('a'), 't1')
  t.equal(asked.length, 1)
})

t.test('a token is renewed before it expires', async (t) => {
  const { time, get } = await service(t)
  await get('a')
  await time.advance(91_000)
  t.equal(await get('a'), 't2')
})

t.test('tokens of one credential are never given to another', async (t) => {
  const { get, server } = await service(t)
  t.equal(await get('a'), 't1')
  t.equal(await get('a', anonymous), 't2')
  t.equal(await get('a', { kind: 'basic', username: 'ann', password: 'y' }), 't3')
  t.equal(new Set(server.asked.map((asked) => asked.split(' ')[3] ?? 'none')).size, 3)
})

t.test('tokens that expire together are renewed by one request', async (t) => {
  const { asked, time, get } = await service(t)
  for (const name of ['a', 'b', 'c']) await get(name)
  asked.length = 0
  await time.advance(95_000)
  t.same(await Promise.all(['a', 'b', 'c'].map((name) => get(name))), ['t1', 't1', 't1'])
  t.same(asked, [['repository:a:pull', 'repository:b:pull', 'repository:c:pull']])
})

t.test('when a service refuses several scopes at once, each is requested separately', async (t) => {
  const { asked, time, get } = await service(t, (scopes) => scopes.length > 1)
  for (const name of ['a', 'b']) await get(name)
  await time.advance(95_000)
  t.match(await get('a'), /^t/)
  t.match(await get('b'), /^t/)
  t.same(
    asked.slice(2).map((scopes) => scopes.length),
    [2, 1, 1],
  )
})

t.test('a token that the registry refused is replaced by one for that repository only', async (t) => {
  const { asked, time, get, forget } = await service(t)
  for (const name of ['a', 'b']) await get(name)
  forget('a')
  await time.advance(95_000)
  await get('a')
  t.same(asked.at(-1), ['repository:a:pull'])
})

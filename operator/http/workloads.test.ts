import fc from 'fast-check'
import { type Test, test } from 'tap'
import { TransientError } from '../errors.ts'
import { ApiError } from '../kubernetes/api-error.ts'
import { createLogger } from '../log/log.ts'
import { version } from '../version.ts'
import { maxNamespaces } from './readers.ts'
import { serveHttp } from './routes.ts'
import { historyPage, workloadRow, workloadsPage } from './workload-pages.ts'
import type { WorkloadSource } from './workload-routes.ts'
import { accounts, imageRepo, managedOf, type Shown, sourceOf } from './workloads.fixture.ts'

const digest = `sha256:${'5e1b2c3d4e5f'.padEnd(64, '0')}`

async function serve(t: Test, workloads: WorkloadSource) {
  const lines: string[] = []
  const log = createLogger({ logLevel: 'info', logFormat: 'json', to: { write: (line) => void lines.push(line) } })
  const metrics = { contentType: 'text/plain', metrics: async () => '' } as const
  const health = { whyNotAlive: () => [], whyNotReady: () => [] }
  const { port, close } = await serveHttp({ port: 0, ...health, version, metrics: metrics as never, workloads, log })
  t.teardown(close)
  const get = (path: string, token?: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, token === undefined ? {} : { headers: { authorization: token } })
  return { get, lines }
}

const list = '/v1/cv/workloads'

/** The answer, which must be a whole problem of this status. */
async function problem(t: Test, answer: Response, status: number) {
  t.equal(answer.status, status)
  t.equal(answer.headers.get('content-type'), 'application/problem+json')
  const body = (await answer.json()) as { detail: string; title: string; status: number; parameter?: string }
  t.match(body, { status, title: String, detail: /./ })
  return body
}

test('the list is the JSON of the first cvmanager, to the byte; an unknown format is JSON', async (t) => {
  const shown = [{ name: 'web' }, { namespace: 'blog', name: 'api', tag: 'a&b', image: `${imageRepo}@${digest}` }]
  const { get } = await serve(t, sourceOf(shown))
  const text =
    `[{"Namespace":"blog","Name":"api","Type":"Deployment","Container":"main","Version":"${digest}","AvailablePods":2,"CV":"api-cv","Tag":"a\\u0026b"},` +
    '{"Namespace":"shop","Name":"web","Type":"Deployment","Container":"main","Version":"1a2b3c4","AvailablePods":2,"CV":"web-cv","Tag":"env-prod"}]'
  for (const query of ['', '?format=json', '?format=xml', '?format=', '?namespace=']) {
    const answer = await get(list + query)
    t.same([answer.status, answer.headers.get('content-type')], [200, 'application/json'])
    t.equal(await answer.text(), text, query)
  }
  t.match(await (await get(`${list}?namespace=shop`)).json(), [{ Name: 'web' }])
  t.equal(await (await get(`/cvm${list}`)).text(), text, 'old links have this prefix')
})

test('B47 nothing to show is an empty list, and no null', async (t) => {
  const { get } = await serve(t, sourceOf([]))
  t.equal(await (await get(list)).text(), '[]')
  t.match(await (await get(`${list}?format=html`)).text(), /No workload is managed/)
})

test('the history is its text; none is an empty body; the namespace is default', async (t) => {
  const asked: string[] = []
  const histories: Readonly<Record<string, string>> = { 'default/web': 'one\n\ntwo\n', 'shop/named': 'named' }
  const history = async (namespace: string, name: string) => {
    asked.push(`${namespace}/${name}`)
    return histories[`${namespace}/${name}`] ?? ''
  }
  const { get } = await serve(t, sourceOf([{ name: 'api', history: { name: 'named' } }], { history }))
  for (const [path, text] of [
    [`${list}/web`, 'one\n\ntwo\n'],
    [`${list}/web?namespace=`, 'one\n\ntwo\n'],
    [`${list}/web?format=json`, 'one\n\ntwo\n'],
    [`${list}/gone?namespace=shop`, ''],
    [`${list}/api?namespace=shop`, 'named'],
    [`${list}/api`, ''],
  ] as const) {
    const answer = await get(path)
    t.same([answer.status, answer.headers.get('content-type')], [200, 'text/plain; charset=UTF-8'])
    t.equal(await answer.text(), text, path)
  }
  t.same(asked.slice(-2), ['shop/named', 'default/api'])
})

test('what cannot be used is a problem that names the parameter', async (t) => {
  const watches = (namespace: string) => namespace === 'shop'
  const { get } = await serve(t, sourceOf([], { watches }))
  for (const [path, status, parameter] of [
    [`${list}?namespace=Shop`, 400, 'namespace'],
    [`${list}?namespace=shop&namespace=blog`, 400, 'namespace'],
    [`${list}?format=json&format=html`, 400, 'format'],
    [`${list}/web?namespace=..%2Fkube-system`, 400, 'namespace'],
    [`${list}/We%62`, 400, 'name'],
    [`${list}/web%2F..`, 400, 'name'],
    [`${list}?namespace=blog`, 404, 'namespace'],
    [`${list}/web/more`, 404, undefined],
    [`${list}/`, 404, undefined],
    ['/v1/cv', 404, undefined],
    ['/cvm/v2', 404, undefined],
  ] as const)
    t.equal((await problem(t, await get(path), status)).parameter, parameter, path)
})

test('B47 an error is a whole problem instead of half a page, and says nothing that strangers should not know', async (t) => {
  const failures = [
    [new TransientError('ApiServerUnavailable', 'https://10.0.0.1 is away'), 503],
    [new ApiError(403, 'Forbidden', 'the service account a:b may not'), 503],
    [new Error('a defect'), 500],
  ] as const
  for (const [failure, status] of failures) {
    // The last of several objects fails.
    const managed = async () => {
      const { objects, workloadsOf } = await managedOf([{ name: 'a' }, { name: 'z' }])
      return { objects, workloadsOf: (key: string) => (key === 'shop/z-cv' ? fail(failure) : workloadsOf(key)) }
    }
    const history = async () => fail(failure)
    const { get, lines } = await serve(t, sourceOf([], { managed, history }))
    for (const path of [list, `${list}?format=html`]) {
      const { detail } = await problem(t, await get(path), status)
      t.notMatch(detail, failure.message)
    }
    t.equal((await get(`${list}/web`)).headers.get('retry-after'), status === 503 ? '5' : null)
    t.match(lines.join(), failure.message)
    if (status === 503) t.equal(lines.length, 1, 'once a minute')
  }
})

function fail(failure: Error): never {
  throw failure
}

test('B46 without a token that the cluster accepts, nobody reads; with one, what the account may list', async (t) => {
  const shown: Shown[] = [{ name: 'web' }, { namespace: 'blog', name: 'web' }, { namespace: 'bank', name: 'web' }]
  const { readerOf, questions } = accounts({ all: ['*'], shop: ['shop'], two: ['shop', 'blog'], none: [] })
  const { get } = await serve(t, sourceOf(shown, { readerOf, history: async (namespace) => `of ${namespace}` }))
  const addresses = [
    '',
    '?format=html',
    '?namespace=shop',
    '/web',
    '/web?namespace=shop&format=html',
    '/Web?namespace=X',
  ]
  for (const address of addresses) {
    for (const prefix of ['', '/cvm']) {
      for (const token of [undefined, '', 'Bearer', 'Bearer ', 'Basic all', 'Bearer wrong', 'Bearer all all', 'all']) {
        const answer = await get(`${prefix}${list}${address}`, token)
        t.match(answer.headers.get('www-authenticate'), 'Bearer', `${address} ${token}`)
        const { detail } = await problem(t, answer, 401)
        t.notMatch(detail, /shop|wrong/)
      }
    }
  }
  t.same(questions, [], 'nothing is asked about somebody unknown')

  const namespaces = async (token: string, query = '') => {
    const answer = await get(list + query, `Bearer ${token}`)
    return answer.ok
      ? ((await answer.json()) as { Namespace: string }[]).map(({ Namespace }) => Namespace)
      : answer.status
  }
  t.same(await namespaces('all'), ['bank', 'blog', 'shop'])
  t.same(await namespaces('shop'), ['shop'])
  t.same(await namespaces('two'), ['blog', 'shop'])
  t.same(await namespaces('none'), 403)
  t.same(await namespaces('shop', '?namespace=shop'), ['shop'])
  t.same(await namespaces('shop', '?namespace=bank'), 403)
  t.notMatch(await (await get(`${list}?format=html`, 'bearer shop')).text(), /bank|blog/)

  const history = (token: string, query: string) => get(`${list}/web${query}`, `Bearer ${token}`)
  t.equal(await (await history('shop', '?namespace=shop')).text(), 'of shop')
  for (const query of ['?namespace=bank', '?namespace=bank&format=html', '']) {
    const { detail } = await problem(t, await history('shop', query), 403)
    t.notMatch(detail, 'of ')
  }
})

test('an account without a right to all namespaces does not cause a question about each of thousands', async (t) => {
  const shown = Array.from({ length: maxNamespaces + 1 }, (_, at) => ({ namespace: `n${at}`, name: 'web' }))
  const { readerOf, questions } = accounts({ one: ['n7'] })
  const { get } = await serve(t, sourceOf(shown, { readerOf }))
  t.match(await problem(t, await get(list, 'Bearer one'), 403), { parameter: 'namespace', detail: /\?namespace=NAME/ })
  t.same(questions, ['one *'])
  t.match(await (await get(`${list}?namespace=n7`, 'Bearer one')).json(), [{ Namespace: 'n7' }])
})

test('a page has a title, six columns and links that work behind any prefix; it may load nothing', async (t) => {
  const { get } = await serve(t, sourceOf([{ name: 'web', image: `${imageRepo}@${digest}` }]))
  const answer = await get(`${list}?format=html`)
  const page = await answer.text()
  t.match(page, '<title>CVManager: Version list</title>')
  t.same(
    [...page.matchAll(/<th scope="col">([^<]+)/g)].map(([, head]) => head),
    ['Namespace', 'Name', 'Type', 'Container', 'Version', 'Available pods/Status'],
  )
  t.match(page, '<a href="workloads/web?namespace=shop&amp;format=html">web</a>')
  t.match(page, `<td>${digest.slice(0, 19)}</td><td>2</td></tr>`, 'a digest is short for people')
  t.match(answer.headers.get('content-security-policy'), /^default-src 'none'; style-src 'sha256-[\w+/]+='; base-uri/)
  t.notMatch(page, /<script|https?:|\bon\w+=/)
  const { url } = answer
  t.equal(new URL('workloads/web', url).pathname, `${list}/web`)
  const history = await get(`${list}/web?format=html`)
  t.match(await history.text(), /<title>CVManager: History of web<\/title>[\s\S]*href="..\/workloads\?format=html"/)
  t.equal(new URL('../workloads', history.url).pathname, list)
})

test('S6 whatever names, versions and histories look like, a page has the markup of its own and no other', async (t) => {
  const markup = (text: string) => {
    const row = {
      Namespace: text,
      Name: text,
      Type: text,
      Container: text,
      Version: text,
      AvailablePods: 1,
      CV: '',
      Tag: '',
    }
    const pages = [workloadsPage([workloadRow(row)]), historyPage(text, text, text)]
    return pages
      .join()
      .match(/<[^>]*>/g)
      ?.map((tag) => tag.replace(/^<a href="[^"<>]*">$/, '<a>'))
      .join()
  }
  const own = markup('x')
  const unit = fc.constantFrom('<', '>', '&', '"', "'", '`', '/', 'x', 'script', 'img onerror=', '\0', '\u2028')
  fc.assert(
    fc.property(fc.string({ unit, minLength: 1 }), (text) => markup(text) === own),
    { numRuns: 1_000 },
  )
  t.match(historyPage('shop', 'web', '<b>&'), '<pre>&lt;b&gt;&amp;</pre>')
})

test('more requests than can be answered at the same time are told to come again; probes are not', async (t) => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const managed = async () => {
    await gate
    return managedOf([])
  }
  const { get } = await serve(t, sourceOf([], { managed }))
  const all = Array.from({ length: 40 }, () => get(list))
  const [first] = await Promise.all([Promise.race(all), get('/alive')])
  t.equal(first.headers.get('retry-after'), '5')
  t.equal((await get('/alive')).status, 200)
  open()
  const statuses = (await Promise.all(all)).map(({ status }) => status).sort()
  t.same(statuses, [...Array(32).fill(200), ...Array(8).fill(503)])
})

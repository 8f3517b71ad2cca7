import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { sendAndFollow } from '../oci/redirects.ts'
import { peer, transportTo } from '../testing/peer.ts'
import type { Request, TransportOptions } from './transport.ts'

const head = (host: string, more: Partial<Request> = {}): Request => ({
  host,
  purpose: 'manifest',
  method: 'HEAD',
  origin: `http://${host}`,
  path: '/v2/',
  headers: {},
  destination: 'configured',
  ...more,
})

t.test('many requests share one connection, HEAD or not, and carry a user agent', async (t) => {
  const agents = new Set<string | undefined>()
  const server = await peer(t, (request, response) => {
    agents.add(request.headers['user-agent'])
    response.end('x')
  })
  const transport = transportTo(t, [server.host])
  for (let i = 0; i < 50; i++) {
    t.match(await transport.send(head(server.host, { method: i % 5 === 0 ? 'GET' : 'HEAD' })), { status: 200 })
  }
  t.equal(server.connections(), 1)
  t.equal(transport.connections, 1)
  t.same([...agents], ['cvmanager/test'])
})

t.test('B08 a request without a complete answer ends at the deadline', async (t) => {
  const server = await peer(t, (request, response) => {
    if (request.url === '/trickle') {
      response.write('x')
      const more = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(more))
    }
  })
  const transport = transportTo(t, [server.host], { deadlineMs: 150 })
  for (const path of ['/silent', '/trickle']) {
    const since = Date.now()
    await t.rejects(transport.send(head(server.host, { method: 'GET', path })), {
      name: 'Unreachable',
      kind: 'timeout',
    })
    t.ok(Date.now() - since < 1000)
  }
})

t.test('B08 an aborted request ends at once, even while it waits for a connection', async (t) => {
  const server = await peer(t, () => undefined)
  const transport = transportTo(t, [server.host])
  const aborting = new AbortController()
  const requests = Array.from({ length: 20 }, () => transport.send(head(server.host, { signal: aborting.signal })))
  const ended = Promise.allSettled(requests)
  await sleep(50)
  aborting.abort(new Error('aborted'))
  const since = Date.now()
  for (const result of await ended) t.match(result, { status: 'rejected', reason: { message: 'aborted' } })
  t.ok(Date.now() - since < 500)
  await t.rejects(transport.send(head(server.host, { signal: aborting.signal })), { message: 'aborted' })
})

t.test('a body of more than 4 MiB is not read to its end', async (t) => {
  let sent = 0
  const server = await peer(t, (_, response) => {
    const chunk = Buffer.alloc(64 * 1024)
    const send = (): void => {
      while (!response.destroyed && response.write(chunk)) sent += chunk.length
      response.once('drain', send)
    }
    send()
  })
  const transport = transportTo(t, [server.host])
  await t.rejects(transport.send(head(server.host, { method: 'GET' })), { name: 'Unreachable', kind: 'too-large' })
  await sleep(50)
  t.ok(sent < 32 * 1024 * 1024)
})

t.test('a connection that was closed while idle causes no failure', async (t) => {
  const server = await peer(t, (request, response) => {
    response.end()
    // Closed just after the answer: the client may send the next request before it notices.
    if (server.asked.length % 2 === 1) request.socket.end()
  })
  const transport = transportTo(t, [server.host])
  for (let i = 0; i < 10; i++) t.match(await transport.send(head(server.host)), { status: 200 })
})

t.test('invalid HTTP, a reset and a refused connection are different errors', async (t) => {
  const nonsense = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end('I am not a web server\r\n\r\n')
  })
  await new Promise<void>((resolve) => nonsense.listen(0, '127.0.0.1', resolve))
  t.teardown(() => nonsense.close())
  const address = nonsense.address()
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const resetting = await peer(t, (request) => request.socket.resetAndDestroy())
  const transport = transportTo(t, [host, resetting.host])
  await t.rejects(transport.send(head(host)), { name: 'Unreachable', kind: 'malformed' })
  await t.rejects(transport.send(head(resetting.host)), { name: 'Unreachable', kind: 'closed' })
  await t.rejects(transport.send(head('127.0.0.1:1')), {
    name: 'Unreachable',
    kind: 'connect',
    message: 'connect ECONNREFUSED 127.0.0.1:1',
  })
})

t.test('every host that is not named as insecure is reached by TLS, loopback included', async (t) => {
  const server = await peer(t, (_, response) => response.end())
  const transport = transportTo(t, ['other.example.com', '127.0.0.2'])
  t.equal(transport.originOf(server.host), `https://${server.host}`)
  t.equal(transport.originOf('127.0.0.2:5000'), 'http://127.0.0.2:5000')
  t.equal(transport.originOf('other.example.com'), 'http://other.example.com')
  t.equal(transport.originOf('docker.io'), 'https://registry-1.docker.io')
  const secure = head(server.host, { origin: transport.originOf(server.host) })
  await t.rejects(transport.send(secure), { name: 'Unreachable', kind: 'connect', message: 'it does not speak TLS' })
  t.same(server.asked, [])
})

t.test('metadata addresses are refused before connecting', async (t) => {
  const transport = transportTo(t, [])
  for (const origin of ['http://169.254.169.254', 'http://[::ffff:169.254.169.254]', 'http://[fe80::1]']) {
    await t.rejects(transport.send(head('x', { origin })), { name: 'Unreachable', kind: 'forbidden' }, origin)
  }
  await t.rejects(transport.send(head('x', { origin: 'http://127.0.0.1:1', destination: 'answered' })), {
    name: 'Unreachable',
    kind: 'forbidden',
  })
  await t.rejects(transport.send(head('x', { origin: 'http://localhost:1', destination: 'answered' })), {
    name: 'Unreachable',
    kind: 'forbidden',
  })
})

/** What a tenant writes as `imageRepo`, to find out what listens on the manager's own machine. */
const spellings = (port: string) => [
  `localhost:${port}`,
  `LOCALHOST:${port}`,
  `tenant.localhost:${port}`,
  `127.0.0.1:${port}`,
  `127.1:${port}`,
  `2130706433:${port}`,
  `0x7f.1:${port}`,
  `0177.0.0.1:${port}`,
  `0.0.0.0:${port}`,
  `[::1]:${port}`,
  `[::ffff:7f00:1]:${port}`,
  `[64:ff9b::7f00:1]:${port}`,
]

t.test('S4 a registry at loopback is refused alike, whether something listens there or not', async (t) => {
  const server = await peer(t, (_, response) => response.end())
  const [, open = ''] = server.host.split(':')
  const transport = transportTo(t, [], { loopbackRegistries: [] })
  for (const scheme of ['http', 'https']) {
    const answers = async (port: string) =>
      await Promise.all(
        spellings(port).map(async (host) => {
          const sent = transport.send(head(host, { origin: `${scheme}://${host}` }))
          return await sent.then(String, ({ kind, message }) => `${kind}: ${message}`)
        }),
      )
    const answered = await answers(open)
    for (const answer of answered) t.match(answer, /^forbidden: .*an address that is not allowed$/)
    t.same(await answers('1'), answered)
  }
  t.equal(server.connections(), 0)
})

t.test('the settings open loopback for the ports that they name', async (t) => {
  const server = await peer(t, (_, response) => response.end())
  const [, port = ''] = server.host.split(':')
  const allowed = async (options: Partial<TransportOptions>, host: string) => {
    const transport = transportTo(t, [], { loopbackRegistries: [], ...options })
    const sent = transport.send(head(host, { origin: `http://${host}` }))
    return await sent.then(
      () => true,
      ({ kind }) => kind !== 'forbidden',
    )
  }
  t.ok(await allowed({ loopbackRegistries: [`127.0.0.1:${port}`] }, server.host))
  t.ok(await allowed({ loopbackRegistries: ['localhost'] }, `localhost:${port}`))
  t.ok(await allowed({ insecureRegistries: [server.host] }, server.host), 'plain HTTP is for it, so it is meant')
  t.ok(await allowed({ insecureRegistries: ['LOCALHOST'] }, `localhost:${port}`))
  t.ok(await allowed({ loopbackRegistries: [server.host] }, `2130706433:${port}`), 'the same address')
  t.notOk(await allowed({ loopbackRegistries: [server.host] }, '127.0.0.1:1'), 'another port')
  t.notOk(await allowed({ loopbackRegistries: [server.host] }, `localhost:${port}`), 'another name')
  const metadata = { loopbackRegistries: ['169.254.169.254'], insecureRegistries: ['0.0.0.0', '[fe80::1]'] }
  for (const host of ['169.254.169.254', '0.0.0.0:1', '[fe80::1]']) t.notOk(await allowed(metadata, host))
})

t.test('S4 a named registry cannot lead to another port of its own host', async (t) => {
  const other = await peer(t, (_, response) => response.end())
  const server = await peer(t, (_, response) => response.writeHead(307, { location: `http://${other.host}/` }).end())
  const transport = transportTo(t, [server.host], { loopbackRegistries: [] })
  const subject = { repository: { host: server.host, path: 'shop/web' }, what: 'tag x' }
  await t.rejects(sendAndFollow(transport, head(server.host), subject), { message: /not allowed/ })
  t.equal(other.connections(), 0)
})

t.test('after 429 no request is sent before the time in Retry-After', async (t) => {
  const server = await peer(t, (_, response) => response.writeHead(429, { 'retry-after': '30' }).end())
  const transport = transportTo(t, [server.host])
  t.match(await transport.send(head(server.host)), { status: 429, retryAfterMs: 30_000 })
  await t.rejects(transport.send(head(server.host)), { name: 'Paused' })
  t.equal(server.asked.length, 1)
})

import { createServer, request as send } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { peer, transportTo } from '../testing/peer.ts'
import { ProxyRules } from './proxies.ts'
import { testCa, testCertificate, testKey } from './tls.fixture.ts'
import type { Request } from './transport.ts'

const get = (origin: string, more: Partial<Request> = {}): Request => ({
  host: new URL(origin).host,
  purpose: 'manifest',
  method: 'GET',
  origin,
  path: '/v2/?n=1',
  headers: {},
  destination: 'configured',
  ...more,
})

t.test('NO_PROXY takes hosts with their subdomains, ports, addresses and networks', async (t) => {
  const rules = new ProxyRules({
    HTTPS_PROXY: 'http://proxy.example.com:3128',
    NO_PROXY: 'example.org, .example.net,*.example.edu only.example.com:5000 10.0.0.0/8,fd00::/8,192.0.2.7',
  })
  const direct = (host: string) => rules.for(`https://${host}`) === undefined
  const hosts = ['example.org', 'a.example.org', 'a.example.net', 'a.example.edu', 'only.example.com:5000']
  for (const host of [...hosts, '10.1.2.3:5000', '[fd00::1]', '192.0.2.7', 'localhost:5000', '127.0.0.1', '[::1]']) {
    t.ok(direct(host), `requests to ${host} go there directly`)
  }
  for (const host of ['example.net', 'notexample.org', 'only.example.com', '11.0.0.1', 'example.org.evil.com']) {
    t.notOk(direct(host), `requests to ${host} go through the proxy`)
  }
  t.equal(rules.for('http://registry.example.com'), undefined, 'each scheme has its own variable')
  t.equal(new ProxyRules({ https_proxy: 'p:1', NO_PROXY: '*' }).for('https://a.example.com'), undefined)
  t.equal(new ProxyRules({ https_proxy: 'p:1', HTTPS_PROXY: 'q:1' }).for('https://a.example.com'), 'http://p:1')
})

t.test('an invalid proxy variable is an error that names it and hides its password', async (t) => {
  for (const HTTPS_PROXY of ['socks5://ann:hunter2@proxy', 'http://ann:hunter2@']) {
    try {
      new ProxyRules({ HTTPS_PROXY })
      t.fail(HTTPS_PROXY)
    } catch (error) {
      t.match(error, { name: 'UsageError', message: /HTTPS_PROXY/ })
      t.notMatch((error as Error).message, /hunter2/)
    }
  }
})

/** A forwarding proxy that records its requests, and sends every name to `port` of this machine. */
async function proxy(t: Test, port: () => number) {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const onward = send({ host: '127.0.0.1', port: port(), path: new URL(request.url ?? '').pathname }, (answer) => {
      response.writeHead(answer.statusCode ?? 502)
      answer.pipe(response)
    })
    onward.end()
  })
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    const onward = connect(port(), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
    for (const each of [socket, onward]) {
      sockets.add(each)
      each.on('error', () => undefined)
    }
    onward.pipe(socket).pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function tlsServer(t: Test) {
  const server = createTlsServer({ cert: testCertificate, key: testKey }, (_, response) => response.end('by TLS'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

t.test('requests go through the proxy, in one tunnel with TLS from end to end', async (t) => {
  const port = await tlsServer(t)
  const forward = await proxy(t, () => port)
  const proxies = new ProxyRules({ HTTPS_PROXY: `http://ann:hunter2@${forward.host}` })
  const transport = transportTo(t, [], { proxies, ca: testCa })
  for (let i = 0; i < 3; i++) {
    const { body } = await transport.send(get('https://registry.example.test'))
    t.equal(body.toString(), 'by TLS')
  }
  t.equal(forward.asked.length, 1)
  t.match(forward.asked, [/^CONNECT registry\.example\.test:443 Basic /])
  t.equal(transport.connections, 1)
  // The proxy sends any name to that server, whose certificate is not for every name.
  await t.rejects(transport.send(get('https://other.example.test')), { name: 'Unreachable', message: /ALTNAME/ })

  const plain = await peer(t, (_, response) => response.end('plain'))
  const plainForward = await proxy(t, () => Number(plain.host.split(':')[1]))
  const open = transportTo(t, [], { proxies: new ProxyRules({ HTTP_PROXY: `http://${plainForward.host}` }) })
  for (let i = 0; i < 3; i++) {
    const { body } = await open.send(get('http://registry.example.test'))
    t.equal(body.toString(), 'plain')
  }
  t.same(plainForward.asked, new Array(3).fill('GET http://registry.example.test/v2/?n=1'))
})

t.test('a proxy that refuses, closes the connection or is not there is named as the cause', async (t) => {
  const answers = [
    { answer: 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', message: 'the proxy refused the connection (407)' },
    { answer: 'HTTP/1.1 403 Forbidden\r\n\r\n', message: 'the proxy refused the connection (403)' },
    { answer: '', message: 'the proxy closed the connection' },
  ]
  for (const { answer, message } of answers) {
    const server = createServer().on('connect', (_, socket: Socket) => socket.end(answer))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => new Promise((resolve) => server.close(resolve)))
    const HTTPS_PROXY = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const transport = transportTo(t, [], { proxies: new ProxyRules({ HTTPS_PROXY }) })
    await t.rejects(transport.send(get('https://registry.example.test')), { name: 'Unreachable', message }, message)
  }
  const proxies = new ProxyRules({ HTTPS_PROXY: 'http://proxy.invalid:3128' })
  const lost = transportTo(t, [], { proxies })
  await t.rejects(lost.send(get('https://registry.example.test')), { kind: 'connect', message: /proxy\.invalid/ })
})

t.test('S4 metadata services and loopback are not reached through a proxy either', async (t) => {
  const forward = await proxy(t, () => 1)
  const proxies = new ProxyRules({ HTTPS_PROXY: `http://${forward.host}`, HTTP_PROXY: `http://${forward.host}` })
  const transport = transportTo(t, [], { proxies })
  for (const origin of ['http://169.254.169.254', 'https://metadata.google.internal', 'http://[fe80::1]']) {
    await t.rejects(transport.send(get(origin)), { name: 'Unreachable', kind: 'forbidden' }, origin)
  }
  const onLoopback = get('https://localhost', { destination: 'answered' })
  await t.rejects(transport.send(onLoopback), { name: 'Unreachable', kind: 'forbidden' })
  t.same(forward.asked, [])
})

t.test('the settings can add a certificate authority to the usual ones', async (t) => {
  const port = await tlsServer(t)
  const origin = `https://127.0.0.1:${port}`
  const trusting = transportTo(t, [], { ca: testCa })
  const { body } = await trusting.send(get(origin))
  t.equal(body.toString(), 'by TLS')
  const refused = { name: 'Unreachable', message: /certificate is not trusted .*--registry-ca-file/ }
  await t.rejects(transportTo(t, []).send(get(origin)), refused)
})

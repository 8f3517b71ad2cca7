import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { forward } from './forward.ts'

/** As an ingress with a rewrite: it serves a port under a path prefix, which it takes off, and nothing else. */
export async function prefixProxy(t: Test, port: number, prefix: string): Promise<string> {
  const server = createServer((incoming, response) => {
    const { url = '/' } = incoming
    if (!url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end('not behind the prefix')
      return
    }
    forward(incoming, response, port, { path: url.slice(prefix.length) })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`
}

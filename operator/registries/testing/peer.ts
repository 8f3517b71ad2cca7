/** For tests: a small HTTP server that records its requests, for answers that no real registry gives. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Transport, type TransportOptions } from '../transport/transport.ts'

export interface Peer {
  /** `127.0.0.1:<port>` */
  readonly host: string
  /** Method, path and Authorization header of each request, oldest first. */
  readonly asked: string[]
  readonly connections: () => number
  answer: (request: IncomingMessage, response: ServerResponse) => void
}

interface Scope {
  teardown(end: () => unknown): unknown
}

export async function peer(t: Scope, answer: Peer['answer']): Promise<Peer> {
  let connections = 0
  const server: Server = createServer((request, response) => {
    const authorization = request.headers.authorization
    made.asked.push([request.method, request.url, ...(authorization === undefined ? [] : [authorization])].join(' '))
    made.answer(request, response)
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const made: Peer = { host: `127.0.0.1:${port}`, asked: [], connections: () => connections, answer }
  return made
}

/** A transport that may speak plain HTTP to these hosts, and reach those that `peer` makes; closed with the test. */
export function transportTo(t: Scope, hosts: readonly string[], options: Partial<TransportOptions> = {}): Transport {
  const reached = { insecureRegistries: hosts, loopbackRegistries: ['127.0.0.1'] }
  const transport = new Transport({ version: 'test', ...reached, ...options })
  t.teardown(() => transport.close())
  return transport
}

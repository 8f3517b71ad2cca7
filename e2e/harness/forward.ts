import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'

export interface ForwardOptions {
  /** Default: that of the request. */
  readonly path?: string
  /** The body of the request, if it has been read already. */
  readonly body?: Buffer
  readonly agent?: Agent
}

/** Passes a request on to a port of this machine, and the answer back. Keeps the Host header: servers build URLs from it. */
export function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  port: number,
  { path = incoming.url ?? '/', body, agent }: ForwardOptions = {},
): void {
  const { method, headers } = incoming
  const target = { host: '127.0.0.1', port, method, path, headers: endToEnd(headers), ...(agent && { agent }) }
  const upstream = request(target, (answer) => {
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers))
    answer.pipe(response)
  })
  upstream.once('error', () => response.destroy())
  response.once('close', () => upstream.destroy())
  if (body) upstream.end(body)
  else incoming.pipe(upstream)
}

/** Without the headers that belong to one connection. */
const endToEnd = ({ connection: _, 'keep-alive': __, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders => headers

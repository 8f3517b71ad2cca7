import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { answerWithFault, Faults } from './registry-faults.ts'

export interface SeenRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly kind: 'token' | 'manifest' | 'tags' | 'blob' | 'ping' | 'other'
  readonly at: number
  readonly userAgent: string | undefined
  readonly authorization: 'none' | 'basic' | 'bearer'
  /** Unknown for as long as there is no answer. */
  status: number | undefined
}

/** Where a token server answers, when there is one. */
export const TOKEN_PATH = '/auth/token'

/** In bytes. */
export interface Traffic {
  readonly received: number
  readonly sent: number
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** The registry's public address: counts what comes in, spoils what it is told to, and hands on the rest. */
export class RegistryDoor {
  readonly faults = new Faults()
  requests: SeenRequest[] = []
  connections = 0
  readonly #backendPort: number
  readonly #agent = new Agent({ keepAlive: true })
  readonly #sockets = new Set<Socket>()
  /** Of connections that are gone. */
  #received = 0
  #sent = 0
  #forgotten: Traffic = { received: 0, sent: 0 }
  #server: Server | undefined
  #port = 0
  #tokens: Handler | undefined

  constructor(backendPort: number) {
    this.#backendPort = backendPort
  }

  get port(): number {
    return this.#port
  }

  answerTokensBy(handler: Handler): void {
    this.#tokens = handler
  }

  /** @param port the one that was given the first time, to be there again after `close` */
  async open(port: number): Promise<void> {
    const server = createServer((incoming, response) => this.#answer(incoming, response))
    server.keepAliveTimeout = 60_000
    server.on('connection', (socket) => {
      this.connections++
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#received += socket.bytesRead
        this.#sent += socket.bytesWritten
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    server.unref()
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
  }

  /** From now on connections are refused, and the existing ones break. */
  async close(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    this.#agent.destroy()
    await closed
  }

  /** With all clients since the start or the last `forget`; headers count, TCP does not. */
  get traffic(): Traffic {
    const { received, sent } = this.#allTraffic()
    return { received: received - this.#forgotten.received, sent: sent - this.#forgotten.sent }
  }

  forget(): void {
    this.requests = []
    this.connections = 0
    this.#forgotten = this.#allTraffic()
  }

  #allTraffic(): Traffic {
    let [received, sent] = [this.#received, this.#sent]
    for (const socket of this.#sockets) {
      received += socket.bytesRead
      sent += socket.bytesWritten
    }
    return { received, sent }
  }

  #answer(incoming: IncomingMessage, response: ServerResponse): void {
    const method = incoming.method ?? 'GET'
    const path = incoming.url ?? '/'
    const seen: SeenRequest = {
      method,
      path,
      kind: kindOf(path),
      at: Date.now(),
      userAgent: incoming.headers['user-agent'],
      authorization: authorizationOf(incoming),
      status: undefined,
    }
    this.requests.push(seen)
    response.once('finish', () => {
      seen.status = response.statusCode
    })
    const fault = this.faults.take({ method, path })
    if (fault) answerWithFault(fault, incoming, response)
    else if (seen.kind === 'token' && this.#tokens) this.#tokens(incoming, response)
    else this.#handOn(incoming, response)
  }

  #handOn(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url } = incoming
    // The Host header stays as it came, since the registry makes its absolute addresses from it; what concerns a single
    // connection does not go on to the next.
    const { connection: _clients, 'keep-alive': _times, ...headers } = incoming.headers
    const target = { host: '127.0.0.1', port: this.#backendPort, method, path: url, headers, agent: this.#agent }
    const onward = request(target, (answer) => {
      const { connection: _servers, 'keep-alive': _limits, ...answered } = answer.headers
      response.writeHead(answer.statusCode ?? 502, answered)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    response.once('close', () => onward.destroy())
    incoming.pipe(onward)
  }
}

function kindOf(path: string): SeenRequest['kind'] {
  const bare = path.split('?')[0] ?? ''
  if (bare === TOKEN_PATH) return 'token'
  if (/\/manifests\/[^/]+$/.test(bare)) return 'manifest'
  if (/\/tags\/list$/.test(bare)) return 'tags'
  if (/\/blobs\//.test(bare)) return 'blob'
  return /^\/v2\/?$/.test(bare) ? 'ping' : 'other'
}

function authorizationOf(incoming: IncomingMessage): SeenRequest['authorization'] {
  const scheme = incoming.headers.authorization?.split(' ')[0]?.toLowerCase()
  return scheme === 'basic' || scheme === 'bearer' ? scheme : 'none'
}

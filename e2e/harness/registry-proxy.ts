import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { forward } from './forward.ts'
import { answerWithFault, Faults } from './registry-faults.ts'

export interface SeenRequest {
  readonly method: string
  /** Includes the query. */
  readonly path: string
  readonly kind: 'token' | 'manifest' | 'tags' | 'blob' | 'ping' | 'other'
  readonly at: number
  readonly userAgent: string | undefined
  readonly authorization: 'none' | 'basic' | 'bearer'
  /** Undefined until there is an answer. */
  status: number | undefined
}

/** The path of the token server, if there is one. */
export const TOKEN_PATH = '/auth/token'

/** In bytes. */
export interface Traffic {
  readonly received: number
  readonly sent: number
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Stands in front of the registry: records requests, injects faults, and forwards the rest. */
export class RegistryProxy {
  readonly faults = new Faults()
  requests: SeenRequest[] = []
  connections = 0
  readonly #backendPort: number
  readonly #agent = new Agent({ keepAlive: true })
  readonly #sockets = new Set<Socket>()
  /** Bytes of connections that are closed. */
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

  serveTokens(handler: Handler): void {
    this.#tokens = handler
  }

  /** @param port after `close`, the port of the first time, to open at the same address again */
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

  /** Refuses new connections and closes the existing ones. */
  async close(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    this.#agent.destroy()
    await closed
  }

  /** Bytes to and from all clients since the start or the last `forget`. Includes HTTP headers, but not TCP's own. */
  get traffic(): Traffic {
    const { received, sent } = this.#totalTraffic()
    return { received: received - this.#forgotten.received, sent: sent - this.#forgotten.sent }
  }

  forget(): void {
    this.requests = []
    this.connections = 0
    this.#forgotten = this.#totalTraffic()
  }

  #totalTraffic(): Traffic {
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
    else forward(incoming, response, this.#backendPort, { agent: this.#agent })
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

/** For tests: a proxy before the real API server, with faults on demand. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as forward } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

export type Fault =
  | 'hang'
  | 'drop'
  | {
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body: string
      readonly afterMs?: number
    }

export class FaultyApi {
  readonly seen: SeenRequest[] = []
  connections = 0
  /** The fault of a request; undefined to forward it. */
  fault: (request: SeenRequest) => Fault | undefined = () => undefined
  /** Sends no more bytes of open answers, like a firewall that has dropped the connection. */
  silent = false
  readonly #server = createServer((request, response) => this.#handle(request, response))
  readonly #sockets = new Set<Socket>()
  readonly #target: KubeConfig

  private constructor(target: KubeConfig) {
    this.#target = target
    this.#server.on('connection', (socket) => {
      this.connections++
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async before(target: KubeConfig): Promise<FaultyApi> {
    const api = new FaultyApi(target)
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    return api
  }

  get kubeConfig(): KubeConfig {
    const { port } = this.#server.address() as AddressInfo
    const config = new KubeConfig()
    const user = this.#target.getCurrentUser() ?? { name: 'nobody' }
    config.loadFromClusterAndUser({ name: 'faulty', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, user)
    return config
  }

  /** The requests so far that pass the filter. */
  requests(filter: (request: SeenRequest) => boolean = () => true): SeenRequest[] {
    return this.seen.filter(filter)
  }

  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.cutConnections()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://api')
    const seen = { method: request.method ?? 'GET', path: pathname, query: searchParams, headers: request.headers }
    this.seen.push(seen)
    const fault = this.fault(seen)
    if (fault === 'hang') return
    if (fault === 'drop') request.socket.destroy()
    else if (fault) setTimeout(() => response.writeHead(fault.status, fault.headers).end(fault.body), fault.afterMs)
    else this.#pass(request, response)
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const cluster = this.#target.getCurrentCluster()
    const { method, headers, url } = request
    const ca = Buffer.from(cluster?.caData ?? '', 'base64')
    const onward = forward(new URL(url ?? '/', cluster?.server), { method, headers, ca }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      answer.on('data', (bytes) => this.silent || response.write(bytes))
      answer.on('end', () => this.silent || response.end())
      answer.on('error', () => response.destroy())
      response.once('close', () => answer.destroy())
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  }
}

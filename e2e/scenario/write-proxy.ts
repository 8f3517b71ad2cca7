import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request as forward } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { parse, stringify } from 'yaml'

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: { server: string; 'certificate-authority-data'?: string } }[]
  readonly users: readonly { readonly user: { readonly token: string } }[]
}

export interface Kill {
  /** The number of the write, from 1; or the first write that fits, such as `PATCH deployments/web`. */
  readonly at: number | RegExp
  /** Before the API server sees the write, or after it has committed it and before it answers. */
  readonly when: 'before' | 'after'
}

interface KillNow extends Kill {
  readonly now: () => void
}

/**
 * Stands between cvmanager and the API server, counts the writes, and can kill cvmanager or pause at any of them, refuse them,
 * and let watches and lists lag.
 */
export class WriteProxy {
  /** In order of arrival, such as `PATCH deployments/web`. Leases do not count. */
  readonly writes: string[] = []
  lastWriteAt = 0
  /** The writes that the API server has answered with 409. */
  readonly conflicts: string[] = []
  /** The status that a write gets instead of being passed on. */
  refuse: (write: string) => number | undefined = () => undefined
  /** How late watches bring their events. */
  watchesLateMs = 0
  #old: { readonly resource: RegExp; readonly list: string } | undefined
  #kill: KillNow | undefined
  #pause: { readonly write: RegExp; readonly meanwhile: () => Promise<void> } | undefined
  readonly #agent: Agent
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((request, response) => this.#handle(request, response))
  readonly #target: string
  readonly #token: string

  private constructor({ clusters, users }: Kubeconfig) {
    const cluster = clusters[0]?.cluster
    this.#target = cluster?.server ?? ''
    this.#token = users[0]?.user.token ?? ''
    const ca = Buffer.from(cluster?.['certificate-authority-data'] ?? '', 'base64')
    this.#agent = new Agent({ ca, keepAlive: true })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** @param kubeconfig names the server, and has the rights of the proxy */
  static async before(kubeconfig: string): Promise<WriteProxy> {
    const proxy = new WriteProxy(parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** @param now kills cvmanager; called once */
  killAt(kill: Kill, now: () => void): void {
    this.#kill = { ...kill, now }
  }

  /** Delays the first write that fits until `meanwhile` has ended. */
  pauseBefore(write: RegExp, meanwhile: () => Promise<void>): void {
    this.#pause = { write, meanwhile }
  }

  /** Remembers a list as it is now, for `goesBack`. @param path such as `/apis/apps/v1/namespaces/shop/deployments` */
  async remember(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.#token}` }
    const [answer] = (await once(
      forward(new URL(path, this.#target), { headers, agent: this.#agent }).end(),
      'response',
    )) as [IncomingMessage]
    return text(answer)
  }

  /** From now on, lists of this resource are that old one, and its watches bring nothing, until the returned call. */
  goesBack(resource: RegExp, list: string): () => void {
    const cut = () => {
      for (const socket of this.#sockets) socket.destroy()
    }
    this.#old = { resource, list }
    cut()
    return () => {
      this.#old = undefined
      cut()
    }
  }

  /** A kubeconfig that leads through the proxy. */
  async writeKubeconfig(path: string): Promise<string> {
    const { port } = this.#server.address() as AddressInfo
    const name = 'proxied'
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      users: [{ name, user: {} }],
    }
    await writeFile(path, stringify(config))
    return path
  }

  async stop(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    this.#agent.destroy()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/' } = request
    const isWrite = method !== 'GET' && !url.includes('/leases')
    if (!isWrite) {
      if (!this.#answersFromThePast(url, response)) this.#pass(request, response, () => true)
      return
    }
    const write = `${method} ${shortened(url)}`
    this.writes.push(write)
    this.lastWriteAt = Date.now()
    const refusal = this.refuse(write)
    if (refusal !== undefined) {
      const status = {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        code: refusal,
        message: 'refused by the test',
      }
      response.writeHead(refusal, { 'content-type': 'application/json' }).end(JSON.stringify(status))
      return
    }
    const pause = this.#pause?.write.test(write) ? this.#pause : undefined
    if (pause) {
      this.#pause = undefined
      pause.meanwhile().then(
        () => this.#pass(request, response, () => true),
        () => request.socket.destroy(),
      )
      return
    }
    const kill = this.#killFor(write)
    if (kill?.when === 'before') {
      kill.now()
      request.socket.destroy()
      return
    }
    this.#pass(request, response, () => {
      kill?.now()
      return kill === undefined
    })
  }

  #answersFromThePast(url: string, response: ServerResponse): boolean {
    const { pathname, searchParams } = new URL(url, this.#target)
    if (!this.#old?.resource.test(pathname)) return false
    const { list } = this.#old
    const { resourceVersion } = (JSON.parse(list) as { metadata: { resourceVersion: string } }).metadata
    if (!searchParams.has('watch')) response.end(list)
    else if (searchParams.get('resourceVersion') === resourceVersion) response.writeHead(200).flushHeaders()
    else
      response.writeHead(410).end(JSON.stringify({ kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }))
    return true
  }

  #killFor(write: string): KillNow | undefined {
    const at = this.#kill?.at
    const fits = at instanceof RegExp ? at.test(write) : at === this.writes.length
    const kill = fits ? this.#kill : undefined
    if (kill) this.#kill = undefined
    return kill
  }

  /** @param done called when the API server has answered; returns whether to pass the answer on */
  #pass(request: IncomingMessage, response: ServerResponse, done: () => boolean): void {
    const { method, url = '/' } = request
    const headers = { ...request.headers, authorization: `Bearer ${this.#token}` }
    const onward = forward(new URL(url, this.#target), { method, headers, agent: this.#agent }, (answer) => {
      if (!done()) {
        answer.resume()
        response.destroy()
        return
      }
      if (answer.statusCode === 409) this.conflicts.push(`${method} ${shortened(url)}`)
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      response.flushHeaders()
      if (url.includes('watch=true')) this.#passLate(answer, response)
      else answer.pipe(response)
      answer.once('error', () => response.destroy())
      response.once('close', () => answer.destroy())
    })
    onward.once('error', () => response.destroy())
    request.once('error', () => onward.destroy())
    request.pipe(onward)
  }

  #passLate(answer: IncomingMessage, response: ServerResponse): void {
    answer.on('data', (bytes) => setTimeout(() => response.write(bytes), this.watchesLateMs))
    answer.once('end', () => setTimeout(() => response.end(), this.watchesLateMs))
  }
}

/** `deployments/web` of `/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=cvmanager`. */
const shortened = (url: string): string => url.replace(/^.*\/namespaces\/[^/]+\//, '').replace(/\?.*$/, '')

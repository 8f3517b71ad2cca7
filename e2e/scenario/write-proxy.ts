import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Agent, request as forward } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import { type Fault, refusal, type SeenRequest } from './fault.ts'
import { KeptLists, passLate } from './late-answers.ts'

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

/** A hundred times what an answer takes on a machine that is not busy. */
const slowMs = 700

/**
 * Stands between cvmanager and the API server, numbers the writes, and does to any request what a test wants: see Fault. It
 * can also let watches and lists lag, and cut a process off.
 */
export class WriteProxy {
  /** In order of arrival, such as `PATCH deployments/web`. Leases do not count. */
  readonly writes: string[] = []
  /** When the last write, or its answer, came. */
  lastWriteAt = 0
  /** The writes that the API server has answered with 409. */
  readonly conflicts: string[] = []
  /** What happens to a request; it is passed on if undefined. */
  faultOf: (request: SeenRequest) => Fault | undefined = () => undefined
  /** The status that a write gets instead of being passed on. */
  refuse: (write: string) => number | undefined = () => undefined
  /** Called when the API server has taken long for an answer, with the time of the request. */
  onSlow: (sentAt: number) => void = () => undefined
  /** How late watches bring their events. */
  watchesLateMs = 0
  /** Whether to keep the last lists of each path, for the fault `older list`. */
  keepsLists = false
  #reads = 0
  #old: { readonly resource: RegExp; readonly list: string } | undefined
  #kill: (Kill & { readonly now: () => void }) | undefined
  #pause: { readonly write: RegExp; readonly meanwhile: () => Promise<void> } | undefined
  readonly #agent: Agent
  readonly #sockets = new Set<Socket>()
  readonly #watches = new Set<ServerResponse>()
  readonly #lists = new KeptLists()
  readonly #server = createServer((request, response) => {
    this.#handle(request, response).catch(() => response.destroy())
  })
  readonly #target: string
  readonly #token: string
  /** The sockets of each process, and the processes that are cut off. */
  readonly #users = new Map<Socket, string>()
  readonly #cutOff = new Set<string>()

  private constructor({ clusters, users }: Kubeconfig) {
    const cluster = clusters[0]?.cluster
    this.#target = cluster?.server ?? ''
    this.#token = users[0]?.user.token ?? ''
    const ca = Buffer.from(cluster?.['certificate-authority-data'] ?? '', 'base64')
    this.#agent = new Agent({ ca, keepAlive: true })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#users.delete(socket)
      })
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
    this.#old = { resource, list }
    this.cut()
    return () => {
      this.#old = undefined
      this.cut()
    }
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Ends all watches. */
  cutWatches(): void {
    for (const response of this.#watches) response.destroy()
  }

  /** Takes nothing more from this process, as if it had been killed. @param user as in its kubeconfig */
  cutOff(user: string): void {
    this.#cutOff.add(user)
    for (const [socket, other] of this.#users) if (other === user) socket.destroy()
  }

  /** A kubeconfig that leads through the proxy. @param user names the process, for `cutOff` */
  async writeKubeconfig(path: string, user = 'proxied'): Promise<string> {
    const { port } = this.#server.address() as AddressInfo
    const name = 'proxied'
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name, context: { cluster: name, user } }],
      users: [{ name: user, user: { token: user } }],
    }
    await writeFile(path, stringify(config))
    return path
  }

  async stop(): Promise<void> {
    this.#server.close()
    this.cut()
    this.#agent.destroy()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const user = request.headers.authorization?.replace('Bearer ', '') ?? ''
    this.#users.set(request.socket, user)
    if (this.#cutOff.has(user)) return void request.socket.destroy()
    const { method = 'GET', url = '/' } = request
    const seen = { ...this.#number(method, url), user }
    const body = method === 'GET' ? undefined : await buffer(request)
    if (seen.kind !== 'write' && this.#answersFromThePast(url, response)) return
    await this.#pass({ request, response, body, url }, this.#faultFor(seen))
  }

  #number(method: string, url: string): Omit<SeenRequest, 'user'> {
    const what = `${method} ${shortened(url)}`
    if (url.includes('/leases')) return { kind: 'lease', what, number: 0 }
    if (url.includes('watch=true')) return { kind: 'watch', what, number: 0 }
    if (method === 'GET') {
      this.#reads += 1
      return { kind: 'read', what, number: this.#reads }
    }
    this.lastWriteAt = Date.now()
    return { kind: 'write', what, number: this.writes.push(what) }
  }

  #faultFor(seen: SeenRequest): Fault | undefined {
    if (seen.kind !== 'write') return this.faultOf(seen)
    const { what, number } = seen
    const status = this.refuse(what)
    if (status !== undefined) return { fault: 'refuse', status }
    const pause = this.#pause?.write.test(what) ? this.#pause : undefined
    if (pause) {
      this.#pause = undefined
      return { fault: 'meanwhile', act: pause.meanwhile }
    }
    const kill = this.#kill
    if (kill && (kill.at instanceof RegExp ? kill.at.test(what) : kill.at === number)) {
      this.#kill = undefined
      return { fault: 'kill', when: kill.when, now: kill.now }
    }
    return this.faultOf(seen)
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

  async #pass(exchange: Exchange, fault: Fault | undefined): Promise<void> {
    const { request, response, url } = exchange
    const passOn = (answer: IncomingMessage) => this.#answer(exchange, answer)
    switch (fault?.fault) {
      case undefined:
        return passOn(await this.#send(exchange))
      case 'refuse':
        return refusal(fault, response)
      case 'delay':
        await sleep(fault.ms)
        return passOn(await this.#send(exchange))
      case 'meanwhile':
        await fault.act()
        return passOn(await this.#send(exchange))
      case 'double':
        await text(await this.#send(exchange))
        return passOn(await this.#send(exchange))
      case 'drop':
        await text(await this.#send(exchange))
        return void response.destroy()
      case 'hang':
        await sleep(fault.ms)
        return void response.destroy()
      case 'older list': {
        const list = this.#lists.oldest(url)
        return list === undefined
          ? passOn(await this.#send(exchange))
          : void response.writeHead(200, { 'content-type': 'application/json' }).end(list)
      }
      case 'kill': {
        const { when, now, lateMs = 0 } = fault
        if (when === 'after') await text(await this.#send(exchange))
        now()
        request.socket.destroy()
        if (when === 'during') await sleep(lateMs).then(() => this.#send(exchange).then(text))
      }
    }
  }

  async #send({ request: { method, headers: received }, response, body, url }: Exchange): Promise<IncomingMessage> {
    const headers = { ...received, authorization: `Bearer ${this.#token}` }
    const onward = forward(new URL(url, this.#target), { method, headers, agent: this.#agent })
    // A write that has begun is not taken back.
    if (method === 'GET') response.once('close', () => onward.destroy())
    onward.end(body)
    const sentAt = Date.now()
    const [answer] = (await once(onward, 'response')) as [IncomingMessage]
    if (Date.now() > sentAt + slowMs) this.onSlow(sentAt)
    if (method !== 'GET' && !url.includes('/leases')) this.lastWriteAt = Date.now()
    if (answer.statusCode === 409) this.conflicts.push(`${method} ${shortened(url)}`)
    return answer
  }

  #answer({ response, request, url }: Exchange, answer: IncomingMessage): void {
    answer.once('error', () => response.destroy())
    response.once('close', () => answer.destroy())
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    response.flushHeaders()
    if (url.includes('watch=true')) {
      this.#watches.add(response)
      response.once('close', () => this.#watches.delete(response))
      passLate(answer, response, () => this.watchesLateMs)
      return
    }
    answer.pipe(response)
    if (this.keepsLists && request.method === 'GET' && answer.statusCode === 200) this.#lists.keep(url, answer)
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer | undefined
  readonly url: string
}

/** `deployments/web` of `/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=cvmanager`. */
const shortened = (url: string): string => url.replace(/^.*\/namespaces\/[^/]+\//, '').replace(/\?.*$/, '')

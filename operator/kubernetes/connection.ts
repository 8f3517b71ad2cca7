/** The connections to the API server and their credentials, as client-node reads them from the kubeconfig. */
import { hash } from 'node:crypto'
import type { RequestOptions } from 'node:https'
import type { DispatcherOptions, KubeConfig } from '@kubernetes/client-node'
import { LRUCache } from 'lru-cache'
import { Agent, type buildConnector, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from 'undici'
import { messageOf, NeedsChangeError, TransientError } from '../errors.ts'
import { ApiError } from './api-error.ts'
import { installHintOf } from './exec-plugin.ts'

/** How long credentials are used: token files change every hour, certificates every few hours. */
const maxAgeMs = 30_000

/** The API server closes a connection after 90 s without a request. */
const keepAliveTimeout = 60_000
const connectTimeout = 5_000

/** How client-node names the account of a pod. */
const userInCluster = 'inClusterUser'

export interface Access {
  readonly dispatcher: Dispatcher
  readonly headers: Readonly<Record<string, string>>
}

export class Connection {
  readonly origin: string
  /** The prefix of each path, for a server behind a gateway such as `https://rancher/k8s/clusters/c-1`. */
  readonly basePath: string
  readonly #reload: (() => KubeConfig) | undefined
  #kubeConfig: KubeConfig
  readonly #access = new LRUCache<'current', Access>({
    max: 1,
    ttl: maxAgeMs,
    fetchMethod: () => this.#readCredentials(),
  })
  #dispatcher: { readonly fingerprint: string; readonly dispatcher: Dispatcher } | undefined

  /** @param reload reads the kubeconfig again, when the server refuses the credentials */
  constructor(kubeConfig: KubeConfig, reload?: () => KubeConfig) {
    const cluster = kubeConfig.getCurrentCluster()
    if (!cluster) throw new NeedsChangeError('KubeConfigInvalid', 'the kubeconfig names no current cluster')
    const { origin, pathname } = new URL(cluster.server)
    this.origin = origin
    this.basePath = pathname.replace(/\/+$/, '')
    this.#kubeConfig = kubeConfig
    this.#reload = reload
  }

  access(): Promise<Access> {
    return this.#access.forceFetch('current')
  }

  /** Drops credentials that the server has refused, so that the next call gets new ones. */
  refused(access: Access): void {
    if (this.#access.peek('current') !== access) return
    this.#access.clear()
    // A new kubeconfig has an empty cache; the old one caches the token of an exec plugin, for example.
    try {
      if (this.#reload) this.#kubeConfig = this.#reload()
    } catch (cause) {
      throw this.#noCredentials(cause)
    }
  }

  /** The error of whoever is refused with new credentials, too. */
  unauthorized(): ApiError {
    const refused = `the API server ${this.origin}${this.basePath} does not accept the credentials (401)`
    const user = this.#kubeConfig.getCurrentUser()?.name ?? ''
    const message =
      user === userInCluster
        ? `${refused} of this pod's service account. Restart the pod, so that it gets a new token`
        : `${refused} of the kubeconfig's user "${user}": they have expired, or are of another cluster. Write new ones, for a service account by kubectl create token cvmanager --namespace cvmanager`
    return new ApiError(401, 'Unauthorized', message)
  }

  async close(): Promise<void> {
    await this.#dispatcher?.dispatcher.destroy()
  }

  async #readCredentials(): Promise<Access> {
    const options: RequestOptions = {}
    try {
      await this.#kubeConfig.applyToHTTPSOptions(options)
    } catch (cause) {
      throw this.#noCredentials(cause)
    }
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(options.headers ?? {}))
      headers[name.toLowerCase()] = String(value).trim()
    if (options.auth) headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`
    return { dispatcher: this.#dispatcherFor(options), headers }
  }

  #noCredentials(cause: unknown): TransientError {
    const user = this.#kubeConfig.getCurrentUser()
    const why = `${messageOf(cause).trim()}${installHintOf(user)}`
    const message = `the credentials of the kubeconfig's user "${user?.name ?? ''}" are not available: ${why}`
    return new TransientError('CredentialsUnavailable', message, { cause })
  }

  /** The same dispatcher until the TLS settings change: a rotated client certificate needs new connections. */
  #dispatcherFor({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }: RequestOptions): Dispatcher {
    const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }
    const fingerprint = hash('sha256', JSON.stringify(tls))
    if (this.#dispatcher?.fingerprint === fingerprint) return this.#dispatcher.dispatcher
    const cluster = this.#kubeConfig.getCurrentCluster()
    const dispatcher = create(this.#kubeConfig.createDispatcherOptions(cluster, tls as never))
    // Requests on the old connections may finish there; watches are renewed within a minute.
    this.#dispatcher?.dispatcher.close().catch(() => undefined)
    this.#dispatcher = { fingerprint, dispatcher }
    return dispatcher
  }
}

function create(options: DispatcherOptions): Dispatcher {
  // The client sets the deadlines. HTTP/1.1, so that a stuck watch cannot delay writes on the same connection.
  const common = { keepAliveTimeout, headersTimeout: 0, bodyTimeout: 0, allowH2: false, pipelining: 1 }
  // The same fields, with slightly stricter types in undici than in Node.
  const tls = (from: object) => from as buildConnector.BuildOptions
  switch (options.type) {
    case 'proxy':
      return new ProxyAgent({ ...common, uri: options.uri, requestTls: tls(options.requestTls) })
    case 'socks': {
      const uri = options.uri.replace(/^socks\w*:/, 'socks5:')
      return new Socks5ProxyAgent(uri, { ...common, requestTls: tls(options.requestTls) })
    }
    case 'agent':
      return new Agent({ ...common, connect: tls({ ...options.connect, timeout: connectTimeout }) })
    case 'none':
      return new Agent({ ...common, connect: { timeout: connectTimeout } })
  }
}

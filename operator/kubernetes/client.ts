/** The client of the API server: persistent connections, deadlines, and errors that say what happened. */
import type { KubeConfig } from '@kubernetes/client-node'
import type { Dispatcher } from 'undici'
import { messageOf, TransientError } from '../errors.ts'
import { ApiError } from './api-error.ts'
import { type Access, Connection } from './connection.ts'
import { Deadline } from './deadline.ts'
import { jsonLines } from './json-lines.ts'
import { resourceOf } from './resource-path.ts'
import type { Right } from './right.ts'

/** The name of our writes in `metadata.managedFields`. */
export const fieldManager = 'cvmanager'

const defaultTimeoutMs = 30_000
/** The API server sends the headers of a watch at once, before any event. */
const streamHeadersMs = 10_000
/** An object has at most 1.5 MiB in etcd, and more as JSON with its managed fields. */
const maxLineLength = 8 * 1024 * 1024

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface CallOptions {
  readonly query?: Query | undefined
  readonly signal?: AbortSignal | undefined
  /** Until the last byte of the answer. */
  readonly timeoutMs?: number | undefined
}

export interface ApiRequest extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string | undefined
}

export interface StreamRequest extends CallOptions {
  readonly path: string
  /** For the whole stream. */
  readonly timeoutMs: number
  /** Called when the server accepts the request, before the first line. */
  readonly onOpen?: (() => void) | undefined
}

export interface ApiClientOptions {
  readonly kubeConfig: KubeConfig
  /** Reads the kubeconfig again, when the server refuses the credentials. */
  readonly reload?: (() => KubeConfig) | undefined
  readonly version: string
  /** Called for every answer, with the method, the resource (`deployments`, `containerversions/status`) and the status. */
  readonly onAnswer?: ((method: string, resource: string, status: number) => void) | undefined
  /** Called for every request that the account has no right to. */
  readonly onMissingRight?: ((right: Right, client: ApiClient) => void) | undefined
}

/**
 * Every method throws ApiError if the API server refuses the request, TransientError `ApiServerUnavailable` if it does not
 * answer in time, and the signal's reason after the caller has aborted.
 */
export class ApiClient {
  readonly #connection: Connection
  readonly #userAgent: string
  readonly #onAnswer: ApiClientOptions['onAnswer']
  readonly #onMissingRight: ApiClientOptions['onMissingRight']

  constructor({ kubeConfig, reload, version, onAnswer, onMissingRight }: ApiClientOptions) {
    this.#onAnswer = onAnswer
    this.#onMissingRight = onMissingRight
    this.#connection = new Connection(kubeConfig, reload)
    this.#userAgent = `cvmanager/${version}`
  }

  async request<T = unknown>(request: ApiRequest): Promise<T> {
    using deadline = new Deadline(request.timeoutMs ?? defaultTimeoutMs, request.signal)
    try {
      const { body } = await this.#answer(request, deadline)
      return (await body.json()) as T
    } catch (thrown) {
      throw this.#explain(thrown, request, deadline)
    }
  }

  /** An answer that is no JSON, such as a log. */
  async text(path: string, options: CallOptions = {}): Promise<string> {
    const request: ApiRequest = { ...options, method: 'GET', path }
    using deadline = new Deadline(request.timeoutMs ?? defaultTimeoutMs, request.signal)
    try {
      const { body } = await this.#answer(request, deadline)
      return await body.text()
    } catch (thrown) {
      throw this.#explain(thrown, request, deadline)
    }
  }

  /** Parses each line of a continuous answer as it arrives. Ends when the server ends the answer. */
  async *stream({ onOpen, ...call }: StreamRequest): AsyncGenerator<unknown, void> {
    const request: ApiRequest = { ...call, method: 'GET' }
    using deadline = new Deadline(Math.min(streamHeadersMs, call.timeoutMs), call.signal)
    try {
      const { body } = await this.#answer(request, deadline)
      deadline.extend(call.timeoutMs)
      onOpen?.()
      yield* jsonLines(body, maxLineLength)
    } catch (thrown) {
      throw this.#explain(thrown, request, deadline)
    }
  }

  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.request<T>({ ...options, method: 'GET', path })
  }

  create<T>(path: string, body: object, options: CallOptions = {}): Promise<T> {
    return this.#write<T>('POST', path, body, 'application/json', options)
  }

  /** Writes the whole object; refused with 409 if its resourceVersion is not the latest. */
  replace<T>(path: string, body: object, options: CallOptions = {}): Promise<T> {
    return this.#write<T>('PUT', path, body, 'application/json', options)
  }

  mergePatch<T>(path: string, patch: object, options: CallOptions = {}): Promise<T> {
    return this.#write<T>('PATCH', path, patch, 'application/merge-patch+json', options)
  }

  /** Merges lists by their key, such as a container's name. Not for custom resources. */
  strategicPatch<T>(path: string, patch: object, options: CallOptions = {}): Promise<T> {
    return this.#write<T>('PATCH', path, patch, 'application/strategic-merge-patch+json', options)
  }

  jsonPatch<T>(path: string, patch: readonly object[], options: CallOptions = {}): Promise<T> {
    return this.#write<T>('PATCH', path, patch, 'application/json-patch+json', options)
  }

  /** @param body DeleteOptions: preconditions, propagationPolicy */
  delete<T>(path: string, options: CallOptions & { readonly body?: object | undefined } = {}): Promise<T> {
    return this.request<T>({ ...options, method: 'DELETE', path })
  }

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#connection.close()
  }

  #write<T>(method: 'POST' | 'PUT' | 'PATCH', path: string, body: object, contentType: string, options: CallOptions) {
    return this.request<T>({ ...options, method, path, body, contentType, query: { fieldManager, ...options.query } })
  }

  /** Returns a successful answer, with its body unread. After a 401 it renews the credentials and tries once more. */
  async #answer(request: ApiRequest, deadline: Deadline): Promise<Dispatcher.ResponseData> {
    const access = await this.#connection.access()
    let answer = await this.#send(request, access, deadline)
    if (answer.statusCode === 401) {
      await answer.body.dump()
      this.#connection.refused(access)
      answer = await this.#send(request, await this.#connection.access(), deadline)
    }
    this.#onAnswer?.(request.method, resourceOf(request.path), answer.statusCode)
    if (answer.statusCode < 400) return answer
    const text = await answer.body.text()
    if (answer.statusCode === 401) throw this.#connection.unauthorized()
    const error = ApiError.fromAnswer(request, answer.statusCode, text, answer.headers['retry-after']?.toString())
    if (error.right) this.#onMissingRight?.(error.right, this)
    throw error
  }

  #send(request: ApiRequest, access: Access, { signal }: Deadline): Promise<Dispatcher.ResponseData> {
    const { method, path, query = {}, body, contentType = 'application/json' } = request
    const headers: Record<string, string> = {
      ...access.headers,
      accept: 'application/json, */*;q=0.1',
      'user-agent': this.#userAgent,
    }
    if (body !== undefined) headers['content-type'] = contentType
    return access.dispatcher.request({
      origin: this.#connection.origin,
      path: this.#connection.basePath + path + queryString(query),
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    })
  }

  #explain(thrown: unknown, request: ApiRequest, deadline: Deadline): unknown {
    if (request.signal?.aborted) return request.signal.reason
    if (thrown instanceof ApiError || thrown instanceof TransientError) return thrown
    const why = deadline.expired ? 'no answer in time' : describe(thrown)
    const { origin, basePath } = this.#connection
    const message = `${title(request)}: the API server ${origin}${basePath} is not available (${why})`
    return new TransientError('ApiServerUnavailable', message, { cause: thrown })
  }
}

const title = ({ method, path }: ApiRequest): string => `${method} ${path}`

function queryString(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

/** If a host name has several addresses and none of them answers, the error has a code but no message. */
function describe(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
  return messageOf(thrown) || code
}

import { readFile } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { parse } from 'yaml'

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ]
  readonly users: readonly [{ readonly user: { readonly token: string } }]
}

/** What the bench itself asks of the API server: bare requests over kept-alive connections, as little as can be. */
export class BareApi {
  readonly #server: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #agent: Agent

  private constructor(server: string, token: string, certificateAuthority: string) {
    this.#server = server
    this.#headers = { authorization: `Bearer ${token}`, 'user-agent': 'bench' }
    this.#agent = new Agent({ connections: 32, connect: { ca: certificateAuthority }, bodyTimeout: 0 })
  }

  /** @param path a kubeconfig of the harness: one cluster, one user, a token */
  static async from(path: string): Promise<BareApi> {
    const { clusters, users } = parse(await readFile(path, 'utf8')) as Kubeconfig
    const { server, 'certificate-authority-data': authority } = clusters[0].cluster
    return new BareApi(server, users[0].user.token, Buffer.from(authority, 'base64').toString())
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#send('GET', path)) as T
  }

  async create(path: string, object: object): Promise<void> {
    await this.#send('POST', path, object, 'application/json')
  }

  async jsonPatch(path: string, operations: readonly object[]): Promise<void> {
    await this.#send('PATCH', path, operations, 'application/json-patch+json')
  }

  /** The lines of a watch, until the signal. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const { body, statusCode } = await request(`${this.#server}${path}`, {
      dispatcher: this.#agent,
      headers: this.#headers,
      signal,
    })
    if (statusCode !== 200) throw new Error(`GET ${path} was answered with ${statusCode}: ${await body.text()}`)
    let rest = ''
    for await (const chunk of body.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #send(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown, contentType?: string): Promise<unknown> {
    const answer = await request(`${this.#server}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { ...this.#headers, ...(contentType ? { 'content-type': contentType } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await answer.body.text()
    if (answer.statusCode < 300) return JSON.parse(text)
    throw new Error(`${method} ${path} was answered with ${answer.statusCode}: ${text}`)
  }
}

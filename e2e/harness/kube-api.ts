import { Agent, request } from 'undici'

export interface ApiAnswer {
  readonly status: number
  readonly body: unknown
}

/** Sends the few API requests of the harness itself. Tests use kubectl or the product's client. */
export class KubeApi {
  readonly server: string
  readonly #token: string
  readonly #agent: Agent

  constructor(server: string, token: string, certificateAuthority: string) {
    this.server = server
    this.#token = token
    this.#agent = new Agent({ connect: { ca: certificateAuthority }, bodyTimeout: 10_000, headersTimeout: 10_000 })
  }

  async request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<ApiAnswer> {
    const answer = await request(`${this.server}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: parsed(text) }
  }

  async create<T>(path: string, object: object): Promise<T> {
    const answer = await this.request('POST', path, object)
    if (answer.status >= 300) {
      throw new Error(`POST ${path}: the API server answered with ${answer.status}: ${JSON.stringify(answer.body)}`)
    }
    return answer.body as T
  }

  async exists(path: string): Promise<boolean> {
    return (await this.request('GET', path)).status === 200
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const users = 4
const pauseMs = 20
const timeoutMs = 5_000

export interface Traffic {
  readonly answers: number
  /** What went wrong, and when. */
  readonly failures: readonly string[]
  /** How many answers each version gave, in the order in which they appeared. */
  readonly versions: ReadonlyMap<string, number>
}

/** Users who send one request after another, each on a new connection, until `stop`. */
export class Load {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: false })
  readonly #failures: string[] = []
  readonly #versions = new Map<string, number>()
  readonly #running: Promise<unknown>
  #stopped = false

  constructor(url: string) {
    this.#url = url
    this.#running = Promise.all(Array.from({ length: users }, () => this.#user()))
  }

  /** Whether this version has answered. */
  sees(version: string): boolean {
    return this.#versions.has(version)
  }

  async stop(): Promise<Traffic> {
    this.#stopped = true
    await this.#running
    const answers = [...this.#versions.values()].reduce((sum, count) => sum + count, 0)
    return { answers, failures: this.#failures, versions: this.#versions }
  }

  async #user(): Promise<void> {
    while (!this.#stopped) {
      try {
        const version = await this.#ask()
        this.#versions.set(version, (this.#versions.get(version) ?? 0) + 1)
      } catch (error) {
        this.#failures.push(`${new Date().toISOString()} ${error instanceof Error ? error.message : String(error)}`)
      }
      await sleep(pauseMs)
    }
  }

  /** Returns the version: the application answers `web v1.0.0`. */
  #ask(): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get(this.#url, { agent: this.#agent, timeout: timeoutMs }, (answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
        })
        answer.once('error', reject).once('end', () => {
          if (answer.statusCode === 200) resolve(body.trim().replace(/^web /, ''))
          else reject(new Error(`status ${answer.statusCode}`))
        })
      })
      request.once('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      request.once('error', reject)
    })
  }
}

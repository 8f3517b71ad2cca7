import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../e2e/harness/ports.ts'
import type { Notify } from '../e2e/harness/registry.ts'

const quietMs = 500

/**
 * Where the registry sends its notifications: to the operator, or, while there is none that could take them, to nobody.
 * They would pile up else, and the next operator would be told of everything that was pushed before its time.
 */
export class Hooks {
  readonly port: number
  readonly secret = 'a-secret-of-this-benchmark-alone'
  #server: Server | undefined
  #lastAt = 0

  private constructor(port: number) {
    this.port = port
  }

  static async open(): Promise<Hooks> {
    const hooks = new Hooks(await freePort())
    await hooks.listen()
    return hooks
  }

  /** As the registry's documentation and docs/push.md have it. */
  get notify(): Notify {
    const url = `http://127.0.0.1:${this.port}/v1/hooks/distribution`
    return { url, authorization: `Bearer ${this.secret}`, pulls: false }
  }

  /** Takes what comes, and does nothing with it. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      this.#lastAt = Date.now()
      request.resume().once('end', () => response.writeHead(202).end())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve)
    })
    server.unref()
    this.#server = server
  }

  /** Once nothing comes any more: the port is free for an operator. */
  async giveWay(): Promise<void> {
    this.#lastAt = Date.now()
    while (Date.now() - this.#lastAt < quietMs) await sleep(quietMs / 5)
    await this.close()
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const maxLists = 4

/** The last lists of each path. */
export class KeptLists {
  readonly #lists = new Map<string, readonly string[]>()

  /** @param answer to a request of this URL; kept if it is a list */
  keep(url: string, answer: IncomingMessage): void {
    if (!/\/namespaces\/[^/]+\/[^/]+(\?|$)/.test(url)) return
    const parts: Buffer[] = []
    answer.on('data', (bytes: Buffer) => parts.push(bytes))
    answer.once('end', () => {
      const lists = [...(this.#lists.get(url) ?? []), Buffer.concat(parts).toString()]
      this.#lists.set(url, lists.slice(-maxLists))
    })
  }

  oldest(url: string): string | undefined {
    return this.#lists.get(url)?.[0]
  }
}

/** Passes an answer on, each part so much later: in order, also when the delay becomes shorter. */
export function passLate(answer: IncomingMessage, response: ServerResponse, lateMs: () => number): void {
  let before = Promise.resolve()
  const late = (act: () => void) => {
    const dueMs = performance.now() + lateMs()
    before = before.then(async () => {
      const leftMs = dueMs - performance.now()
      if (leftMs > 0) await sleep(leftMs)
      act()
    })
  }
  answer.on('data', (bytes) => late(() => response.write(bytes)))
  answer.once('end', () => late(() => response.end()))
}

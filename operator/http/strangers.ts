/** What the webhook server grants to senders that have not proven themselves yet. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A webhook is a few kilobytes, sent at once. */
const maxMs = 3_000
const maxBytes = 16 * 1024 * 1024

export type Refuse = (why: 'too slow' | 'no room') => Error

/**
 * The bodies of senders that have not proven themselves yet: a signature covers the whole body. They share a bounded memory.
 * Where it is full, the largest gives way, so that the small bodies of real senders find room.
 */
export class UnprovenBodies {
  readonly #refuse: Refuse
  readonly #readings = new Set<{ bytes: number; readonly end: (error: Error) => void }>()

  constructor(refuse: Refuse) {
    this.#refuse = refuse
  }

  /**
   * @param read calls its parameter with the size so far
   * @throws the error of `refuse`
   */
  async read(read: (onSize: (bytes: number) => void) => Promise<Buffer>): Promise<Buffer> {
    const { promise: ended, reject: end } = Promise.withResolvers<never>()
    const reading = { bytes: 0, end }
    const timer = setTimeout(() => end(this.#refuse('too slow')), maxMs)
    this.#readings.add(reading)
    const onSize = (bytes: number) => {
      reading.bytes = bytes
      this.#makeRoom()
    }
    try {
      return await Promise.race([read(onSize), ended])
    } finally {
      clearTimeout(timer)
      this.#readings.delete(reading)
    }
  }

  #makeRoom(): void {
    const readings = [...this.#readings]
    if (readings.reduce((total, { bytes }) => total + bytes, 0) <= maxBytes) return
    const largest = readings.reduce((one, other) => (other.bytes > one.bytes ? other : one))
    this.#readings.delete(largest)
    largest.end(this.#refuse('no room'))
  }
}

/**
 * The connections of senders that have not proven themselves. The oldest gives way to a new one, whether it idles, sends
 * slowly or not at all: so a real sender always finds room. Shares by address would not help: behind a load balancer, all
 * senders have one address.
 */
export class Strangers {
  readonly #max: number
  /** Oldest first. */
  readonly #sockets = new Set<Socket>()

  constructor(max: number) {
    this.#max = max
  }

  connected(socket: Socket): void {
    socket.once('close', () => this.#sockets.delete(socket))
    this.#add(socket)
  }

  /** The sender has proven itself: its connection gives way to nobody until the response is complete. */
  proven(socket: Socket, response: ServerResponse): void {
    this.#sockets.delete(socket)
    response.once('close', () => socket.destroyed || this.#add(socket))
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket)
    const [oldest] = this.#sockets
    if (this.#sockets.size > this.#max) oldest?.destroy()
  }
}

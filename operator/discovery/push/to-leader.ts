/**
 * Webhooks that reach a replica which does not follow tags are handed on to the one that does, as they came; that one
 * wants the same proof of them. They carry a secret, so they go nowhere but to the address in our own Lease (S4).
 */
import { isIP } from 'node:net'
import { Agent } from 'undici'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../log/log.ts'
import { mayConnect } from '../../registries/transport/addresses.ts'

/** Marks what was handed on, so that it is handed on once and never in a circle. */
export const forwardedHeader = 'x-cvmanager-forwarded'

/** On the Lease: the leader's address, and the port where it receives webhooks. */
export const addressAnnotation = 'cvmanager.io/webhook-address'

export interface Hook {
  readonly kind: string
  /** With its question mark; empty where there is none. */
  readonly query: string
  readonly headers: Iterable<readonly [string, string]>
  readonly body: Buffer
}

/** What the leader says of it. */
export interface Taken {
  readonly hints: number
  readonly followed: number
}

export interface ToLeaderOptions {
  /** This process' own; a leader on a loopback address is believed only by a neighbour on one. */
  readonly ownAddress: string
  /** What the Lease says now; undefined where nobody leads, or has not said where it is. */
  readonly address: () => string | undefined
  readonly log: Pick<Logger, 'warn'>
}

/** A sender that waits for longer gives up by itself. */
const deadlineMs = 3_000
const mostAtOnce = 32
const longestAnswer = 1_024
const saidEveryMs = 60_000

/** Of one connection (RFC 9110, section 7.6.1), or made anew with the request. */
const ownToEachHop = new Set([
  ...['connection', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'host', 'content-length', 'expect', forwardedHeader],
])

export class ToLeader {
  readonly #options: ToLeaderOptions
  readonly #agent = new Agent({ connect: { timeout: deadlineMs } })
  #underWay = 0
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(options: ToLeaderOptions) {
    this.#options = options
  }

  /** Never throws. @returns undefined where the leader has not taken it, whatever the cause */
  async forward(hook: Hook): Promise<Taken | undefined> {
    const address = originOf(this.#options.address(), this.#options.ownAddress)
    if (address === undefined || this.#underWay >= mostAtOnce) return undefined
    this.#underWay++
    try {
      return await this.#send(address, hook)
    } catch (error) {
      this.#complain(address, messageOf(error))
      return undefined
    } finally {
      this.#underWay--
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #send(origin: string, { kind, query, headers, body }: Hook): Promise<Taken | undefined> {
    const kept = [...headers].filter(([name]) => !ownToEachHop.has(name.toLowerCase()))
    const answer = await this.#agent.request({
      origin,
      path: `/v1/hooks/${kind}${query}`,
      method: 'POST',
      headers: { ...Object.fromEntries(kept), [forwardedHeader]: '1' },
      body,
      signal: AbortSignal.timeout(deadlineMs),
      // A connection that the leader closes just then would lose the next one.
      reset: true,
    })
    let text = ''
    for await (const chunk of answer.body) {
      text += String(chunk)
      if (text.length > longestAnswer) throw new Error('its answer is too long')
    }
    if (answer.statusCode === 202) return takenOf(text)
    // Its secrets are some seconds older than ours, or it leads no longer: the sender may come again.
    this.#complain(origin, `it answered ${answer.statusCode}`)
    return undefined
  }

  #complain(leader: string, reason: string): void {
    const now = performance.now()
    if (now - this.#saidAt < saidEveryMs) return
    this.#saidAt = now
    this.#options.log.warn({ leader, reason }, 'a webhook could not be handed on to the replica that follows tags')
  }
}

/** The address as the leader writes it; undefined where it is not known, or receives no webhooks. */
export const addressOf = (ip: string, port: number): string | undefined =>
  isIP(ip) === 0 || port === 0 ? undefined : `${isIP(ip) === 6 ? `[${ip}]` : ip}:${port}`

/** Plain HTTP, as what ends TLS in front of us sends it. Names are not resolved: whoever answers for them could be anybody. */
function originOf(address: string | undefined, own: string): string | undefined {
  const [, v6, v4, port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(address ?? '') ?? []
  const ip = v6 ?? v4 ?? ''
  const neighbours = !mayConnect(own, 'answered') && mayConnect(own, 'configured')
  if (isIP(ip) === 0 || !mayConnect(ip, neighbours ? 'configured' : 'answered')) return undefined
  return Number(port) >= 1 && Number(port) <= 65_535 ? `http://${address}` : undefined
}

/** @throws Error */
function takenOf(text: string): Taken {
  const { hints, followed } = JSON.parse(text) as Readonly<Record<string, unknown>>
  if (typeof hints !== 'number' || typeof followed !== 'number') throw new Error('its answer is not understood')
  return { hints, followed }
}

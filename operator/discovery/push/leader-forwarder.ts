/**
 * Forwards webhooks from a replica that does not lead to the leader, unchanged; the leader authenticates them again. They
 * carry a secret, so they go only to the address in our own Lease (S4).
 */
import { isIP } from 'node:net'
import { Agent } from 'undici'
import { messageOf } from '../../errors.ts'
import type { Logger } from '../../log/log.ts'
import { mayConnect } from '../../registries/transport/addresses.ts'
import { AtMostEvery } from '../../time/at-most-every.ts'

/** Marks a forwarded request, so that no replica forwards it again. */
export const forwardedHeader = 'x-cvmanager-forwarded'

/** On the Lease: the leader's address, with the port of its webhooks. */
export const addressAnnotation = 'cvmanager.io/webhook-address'

export interface WebhookRequest {
  readonly kind: string
  /** With its question mark, or empty. */
  readonly query: string
  readonly headers: Iterable<readonly [string, string]>
  readonly body: Buffer
}

/** The leader's response. */
export interface LeaderAnswer {
  readonly hints: number
  readonly followed: number
}

export interface LeaderForwarderOptions {
  /** The address of this process. A leader's loopback address is accepted only if this is one too. */
  readonly ownAddress: string
  /** The leader's address on the Lease; undefined if there is no leader, or it has written none. */
  readonly leaderAddress: () => string | undefined
  readonly log: Pick<Logger, 'warn'>
}

/** Senders give up after a few seconds. */
const deadlineMs = 3_000
const maxConcurrent = 32
const maxAnswerBytes = 1_024
const warningGapMs = 60_000

/** Headers of one connection (RFC 9110, section 7.6.1), and those that the new request sets itself. */
const hopByHopHeaders = new Set([
  ...['connection', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'host', 'content-length', 'expect', forwardedHeader],
])

export class LeaderForwarder {
  readonly #options: LeaderForwarderOptions
  readonly #agent = new Agent({ connect: { timeout: deadlineMs }, maxResponseSize: maxAnswerBytes })
  readonly #warnings = new AtMostEvery(warningGapMs)
  #inFlight = 0

  constructor(options: LeaderForwarderOptions) {
    this.#options = options
  }

  /** Never throws. @returns undefined if the leader did not take it, for whatever reason */
  async forward(request: WebhookRequest): Promise<LeaderAnswer | undefined> {
    const { leaderAddress, ownAddress } = this.#options
    const leader = originOf(leaderAddress(), ownAddress)
    if (leader === undefined || this.#inFlight >= maxConcurrent) return undefined
    this.#inFlight++
    try {
      return await this.#send(leader, request)
    } catch (error) {
      if (this.#warnings.isDue())
        this.#options.log.warn({ leader, error: messageOf(error) }, 'cannot forward a webhook to the leader')
      return undefined
    } finally {
      this.#inFlight--
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  /** @throws Error */
  async #send(origin: string, { kind, query, headers, body }: WebhookRequest): Promise<LeaderAnswer> {
    const endToEnd = [...headers].filter(([name]) => !hopByHopHeaders.has(name.toLowerCase()))
    const answer = await this.#agent.request({
      origin,
      path: `/v1/hooks/${kind}${query}`,
      method: 'POST',
      headers: { ...Object.fromEntries(endToEnd), [forwardedHeader]: '1' },
      body,
      signal: AbortSignal.timeout(deadlineMs),
      // On a kept-alive connection, a request is lost when the leader closes it at that moment.
      reset: true,
    })
    const text = await answer.body.text()
    // The leader's secrets may be some seconds older, or it no longer leads: the sender can try again.
    if (answer.statusCode !== 202) throw new Error(`it answered ${answer.statusCode}`)
    const { hints, followed } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (typeof hints !== 'number' || typeof followed !== 'number') throw new Error('its answer is not understood')
    return { hints, followed }
  }
}

/** The value of the annotation; undefined for a process without a known address, or without webhooks. */
export const addressOf = (ip: string, port: number): string | undefined =>
  isIP(ip) === 0 || port === 0 ? undefined : `${isIP(ip) === 6 ? `[${ip}]` : ip}:${port}`

/** Plain HTTP, like the hop from the Ingress. Accepts no host names: a name could resolve to anybody's address. */
function originOf(address: string | undefined, ownAddress: string): string | undefined {
  const [, v6, v4, port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(address ?? '') ?? []
  const ip = v6 ?? v4 ?? ''
  const isOnLoopback = !mayConnect(ownAddress, 'answered') && mayConnect(ownAddress, 'settings')
  if (isIP(ip) === 0 || !mayConnect(ip, isOnLoopback ? 'settings' : 'answered')) return undefined
  return Number(port) >= 1 && Number(port) <= 65_535 ? `http://${address}` : undefined
}

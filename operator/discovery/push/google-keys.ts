/** The public keys that Google signs with, as it publishes them; kept as long as it says, and asked for anew by need. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { messageOf, TransientError } from '../../errors.ts'
import type { Transport } from '../../registries/transport/transport.ts'
import { at, listOf, textAt } from './receivers/payload.ts'

export interface GoogleKeysOptions {
  readonly transport: Transport
  readonly now: () => number
  /** Default: Google's. */
  readonly origin?: string | undefined
}

const googleOrigin = 'https://www.googleapis.com'
const path = '/oauth2/v3/certs'
const defaultLifetimeMs = 3_600_000
const longestLifetimeMs = 86_400_000
/** Tokens with invented key names must not make us ask all the time. */
const pauseMs = 60_000

export class GoogleKeys {
  readonly #options: GoogleKeysOptions
  #keys: ReadonlyMap<string, KeyObject> = new Map()
  #goodUntil = 0
  #askAgainFrom = 0
  #flight: Promise<void> | undefined

  constructor(options: GoogleKeysOptions) {
    this.#options = options
  }

  /** @throws TransientError `GoogleKeysUnavailable` where there are no keys at all, or only outdated ones */
  async get(kid: string): Promise<KeyObject | undefined> {
    const now = this.#options.now()
    const stale = now >= this.#goodUntil
    if ((stale || !this.#keys.has(kid)) && now >= this.#askAgainFrom) {
      this.#flight ??= this.#fetch().finally(() => {
        this.#flight = undefined
      })
    }
    await this.#flight
    if (this.#options.now() >= this.#goodUntil) throw unavailable('the last answer did not bring any')
    return this.#keys.get(kid)
  }

  async #fetch(): Promise<void> {
    const { transport, now, origin = googleOrigin } = this.#options
    this.#askAgainFrom = now() + pauseMs
    try {
      const { status, headers, body } = await transport.send({
        host: new URL(origin).host,
        purpose: 'token',
        method: 'GET',
        origin,
        path,
        headers: { accept: 'application/json' },
        destination: 'configured',
        urgent: true,
      })
      if (status !== 200) throw new Error(`it answered ${status}`)
      this.#keys = keysOf(JSON.parse(body.toString()))
      const age = /(?:^|[,\s])max-age=(\d{1,9})/.exec(headers['cache-control'] ?? '')?.[1]
      const lifetimeMs = age === undefined ? defaultLifetimeMs : Number(age) * 1000
      this.#goodUntil = now() + Math.min(Math.max(lifetimeMs, pauseMs), longestLifetimeMs)
    } catch (error) {
      // Those that are still good stay in use.
      if (now() >= this.#goodUntil) throw unavailable(messageOf(error), error)
    }
  }
}

function keysOf(answer: unknown): ReadonlyMap<string, KeyObject> {
  const keys = new Map<string, KeyObject>()
  for (const each of listOf(at(answer, 'keys'), 'keys')) {
    const [kid, n, e] = [textAt(each, 'kid'), textAt(each, 'n'), textAt(each, 'e')]
    if (kid === undefined || n === undefined || e === undefined || textAt(each, 'kty') !== 'RSA') continue
    keys.set(kid, createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' }))
  }
  if (keys.size === 0) throw new Error('there is no usable key in its answer')
  return keys
}

function unavailable(detail: string, cause?: unknown): TransientError {
  const message = `the keys that Google signs with cannot be had: ${detail}. Pub/Sub tries again; let cvmanager reach ${googleOrigin}.`
  return new TransientError('GoogleKeysUnavailable', message, { cause })
}

/** The answer of a token service (distribution's token specification). */

import { usableToken } from '../../credentials/token-service.ts'
import type { Answer } from '../../transport/transport.ts'
import { parseObject } from '../manifest.ts'

export interface BearerToken {
  readonly token: string
  /** Counted from its receipt. */
  readonly lifetimeMs: number
}

/** The specification's default. */
const defaultLifetimeSeconds = 60
const maxLifetimeSeconds = 86_400

/** `undefined` if the answer has no token that fits into a header. */
export function parseTokenAnswer({ body, headers }: Pick<Answer, 'body' | 'headers'>): BearerToken | undefined {
  const { token, access_token, expires_in, issued_at } = parseObject(body) ?? {}
  const usable = usableToken(typeof token === 'string' && token !== '' ? token : access_token)
  if (usable === undefined) return undefined
  // Some services write the number as text (distribution/distribution#1746).
  const wanted = typeof expires_in === 'string' ? Number(expires_in) : expires_in
  const seconds = typeof wanted === 'number' && wanted > 0 ? wanted : defaultLifetimeSeconds
  const lifetimeMs = Math.min(seconds, maxLifetimeSeconds) * 1000 - ageMs(issued_at, headers.date)
  return { token: usable, lifetimeMs: Math.max(lifetimeMs, 0) }
}

/** By the service's own two clocks: this machine's may be off by minutes. */
function ageMs(issuedAt: unknown, date: string | undefined): number {
  const age = Date.parse(date ?? '') - (typeof issuedAt === 'string' ? Date.parse(issuedAt) : Number.NaN)
  // The Date header has whole seconds.
  return age > 1000 ? age : 0
}

/** What a token service answers (distribution's token specification), parsed once. */
import type { Answer } from '../../transport/transport.ts'

export interface BearerToken {
  readonly token: string
  /** From its receipt on. */
  readonly lifetimeMs: number
}

/** The specification's own default, for services that name no lifetime. */
const defaultLifetimeSeconds = 60
const longestLifetimeSeconds = 86_400
/** What goes into a header, and what a registry would still accept there. */
const usable = /^[\x21-\x7e]{1,32768}$/

/** Undefined where there is no token in it that could be sent. */
export function parseTokenAnswer({ body, headers }: Pick<Answer, 'body' | 'headers'>): BearerToken | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { token, access_token, expires_in, issued_at } = parsed as Readonly<Record<string, unknown>>
  const value = typeof token === 'string' && token !== '' ? token : access_token
  if (typeof value !== 'string' || !usable.test(value)) return undefined

  const seconds = typeof expires_in === 'number' && expires_in > 0 ? expires_in : defaultLifetimeSeconds
  const lifetimeMs = Math.min(seconds, longestLifetimeSeconds) * 1000 - ageMs(issued_at, headers.date)
  return { token: value, lifetimeMs: Math.max(lifetimeMs, 0) }
}

/** By the service's own two clocks: ours may be off by minutes. */
function ageMs(issuedAt: unknown, date: string | undefined): number {
  const age = Date.parse(date ?? '') - (typeof issuedAt === 'string' ? Date.parse(issuedAt) : Number.NaN)
  // The Date header has whole seconds.
  return age > 1000 ? age : 0
}

/** Tokens by which Google says who sends a request (OpenID Connect core, 3.1.3.7), of the one form that Pub/Sub uses. */
import { verify } from 'node:crypto'
import type { GoogleKeys } from './google-keys.ts'
import type { Expected } from './receivers/gar.ts'
import { at, textAt } from './receivers/payload.ts'

const longestToken = 8192
/** How far the clocks may be apart. */
const skewMs = 60_000
const issuers = new Set(['https://accounts.google.com', 'accounts.google.com'])

/**
 * Whether Google has signed it, for this audience, for this service account, and it is still good.
 * @throws TransientError `GoogleKeysUnavailable`
 */
export async function isGoogleToken(
  token: string,
  expected: Expected,
  keys: GoogleKeys,
  now: number,
): Promise<boolean> {
  if (token.length > longestToken) return false
  const [head, body, signature, ...more] = token.split('.')
  if (head === undefined || body === undefined || signature === undefined || more.length > 0) return false
  const header = decoded(head)
  const kid = textAt(header, 'kid')
  // One algorithm, whatever the token asks for: "none" and HMAC with a public key are old tricks.
  if (textAt(header, 'alg') !== 'RS256' || kid === undefined) return false
  // What costs nothing comes first: strangers cause no request for keys.
  const claims = decoded(body)
  if (!isFor(claims, expected) || !isGoodAt(claims, now)) return false
  const key = await keys.get(kid)
  return (
    key !== undefined && verify('RSA-SHA256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))
  )
}

function isFor(claims: unknown, { audience, email }: Expected): boolean {
  return (
    issuers.has(textAt(claims, 'iss') ?? '') &&
    textAt(claims, 'aud') === audience &&
    textAt(claims, 'email') === email &&
    at(claims, 'email_verified') === true
  )
}

function isGoodAt(claims: unknown, now: number): boolean {
  const expires = at(claims, 'exp')
  const issued = at(claims, 'iat')
  if (typeof expires !== 'number' || typeof issued !== 'number') return false
  return expires * 1000 > now - skewMs && issued * 1000 < now + skewMs
}

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString())
  } catch {
    return undefined
  }
}

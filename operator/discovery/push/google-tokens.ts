/** Verifies the tokens in which Google says who sends a request (OpenID Connect Core, 3.1.3.7), as Pub/Sub uses them. */
import type { CryptoKey, createLocalJWKSet, JSONWebKeySet, JWTHeaderParameters } from 'jose'
import { messageOf, TransientError } from '../../errors.ts'
import type { Transport } from '../../registries/transport/transport.ts'

/** What the token of a push subscription must say. */
export interface ExpectedToken {
  readonly audience: string
  /** The subscription's service account. */
  readonly email: string
}

export interface GoogleTokensOptions {
  readonly transport: Transport
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Default: Google's. */
  readonly origin?: string | undefined
}

const googleOrigin = 'https://www.googleapis.com'
const keysPath = '/oauth2/v3/certs'
const maxTokenLength = 8192
const clockToleranceSeconds = 60
/** Google's tokens last an hour. jose refuses a token from the future only where the age is limited. */
const maxTokenAge = '1 day'
const defaultKeyLifetimeMs = 3_600_000
const maxKeyLifetimeMs = 86_400_000
/** The smallest gap between two requests for keys: a stranger's token can name any key. */
const keysCooldownMs = 60_000

export class GoogleTokens {
  readonly #options: GoogleTokensOptions
  #keySet: ReturnType<typeof createLocalJWKSet> | undefined
  #knownKeys: ReadonlySet<string | undefined> = new Set()
  #expiresAt = 0
  #nextFetchAt = 0
  #fetching: Promise<void> | undefined

  constructor(options: GoogleTokensOptions) {
    this.#options = options
  }

  /**
   * Whether Google signed the token for this audience and service account, and it is valid now.
   * @throws TransientError `GoogleKeysUnavailable` if there are no valid keys to verify it with
   */
  async isValid(token: string, { audience, email }: ExpectedToken): Promise<boolean> {
    if (token.length > maxTokenLength) return false
    const { errors, jwtVerify } = await import('jose')
    try {
      const { payload } = await jwtVerify(token, (header) => this.#keyOf(header), {
        // One algorithm, whatever the token asks for: "none" and HMAC with a public key are known attacks.
        algorithms: ['RS256'],
        issuer: ['https://accounts.google.com', 'accounts.google.com'],
        audience,
        requiredClaims: ['exp'],
        maxTokenAge,
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(this.#options.now()),
      })
      // jose also accepts a list of audiences.
      return payload.aud === audience && payload.email === email && payload.email_verified === true
    } catch (error) {
      if (error instanceof errors.JOSEError) return false
      throw error
    }
  }

  async #keyOf(header: JWTHeaderParameters): Promise<CryptoKey> {
    const { now } = this.#options
    const isUsable = this.#knownKeys.has(header.kid) && now() < this.#expiresAt
    if (!isUsable && now() >= this.#nextFetchAt) {
      this.#fetching ??= this.#fetchKeys().finally(() => {
        this.#fetching = undefined
      })
    }
    await this.#fetching
    if (this.#keySet === undefined || now() >= this.#expiresAt) throw unavailable('the last request did not bring any')
    const { errors } = await import('jose')
    // Without this check jose takes the only key there is for a token that names none.
    if (header.kid === undefined || !this.#knownKeys.has(header.kid)) throw new errors.JWKSNoMatchingKey()
    return await this.#keySet(header)
  }

  async #fetchKeys(): Promise<void> {
    const { transport, now, origin = googleOrigin } = this.#options
    this.#nextFetchAt = now() + keysCooldownMs
    try {
      const { status, headers, body } = await transport.send({
        host: new URL(origin).host,
        purpose: 'token',
        method: 'GET',
        origin,
        path: keysPath,
        headers: { accept: 'application/json' },
        destination: 'settings',
        urgent: true,
      })
      if (status !== 200) throw new Error(`the answer was ${status}`)
      const jwks = JSON.parse(body.toString()) as JSONWebKeySet
      const { createLocalJWKSet } = await import('jose')
      this.#keySet = createLocalJWKSet(jwks)
      this.#knownKeys = new Set(jwks.keys.map(({ kid }) => kid))
      const maxAge = /(?:^|[,\s])max-age=(\d{1,9})/.exec(headers['cache-control'] ?? '')?.[1]
      const lifetimeMs = maxAge === undefined ? defaultKeyLifetimeMs : Number(maxAge) * 1000
      this.#expiresAt = now() + Math.min(Math.max(lifetimeMs, keysCooldownMs), maxKeyLifetimeMs)
    } catch (error) {
      // Keys that have not expired stay in use.
      if (now() >= this.#expiresAt) throw unavailable(messageOf(error), error)
    }
  }
}

function unavailable(detail: string, cause?: unknown): TransientError {
  const message = `cannot fetch the keys that Google signs with: ${detail}. Pub/Sub tries again; make sure that cvmanager can reach ${googleOrigin}.`
  return new TransientError('GoogleKeysUnavailable', message, { cause })
}

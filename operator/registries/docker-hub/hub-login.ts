/** Tokens for Docker Hub's own API, which wants others than the registry does (Hub API, "Create access token"). */
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { Lru } from '../lru.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Access } from '../registry.ts'
import type { Transport } from '../transport/transport.ts'

/** They expire after ten minutes, by the documentation. */
const lifetimeMs = 540_000
const mostLogins = 1_000
const usable = /^[\x21-\x7e]{1,32768}$/

export class HubLogin {
  readonly #transport: Transport
  readonly #origin: string
  readonly #clock: Clock
  readonly #tokens = new Lru<{ readonly token: Promise<string | undefined>; readonly until: number }>(mostLogins)

  constructor(transport: Transport, origin: string, clock: Clock = monotonicClock) {
    this.#transport = transport
    this.#origin = origin
    this.#clock = clock
  }

  /** The Authorization header; undefined for those who cannot log in there, who see what is public. */
  async header({ credentials }: Access): Promise<string | undefined> {
    if (credentials.kind !== 'basic') return undefined
    const id = credentialId(credentials)
    const now = this.#clock.now()
    let known = this.#tokens.get(id)
    if (known === undefined || now >= known.until) {
      known = { token: this.#request(credentials.username, credentials.password), until: now + lifetimeMs }
      this.#tokens.set(id, known)
      known.token.catch(() => this.#tokens.delete(id))
    }
    const token = await known.token
    return token === undefined ? undefined : `Bearer ${token}`
  }

  forget({ credentials }: Access): void {
    this.#tokens.delete(credentialId(credentials))
  }

  async #request(identifier: string, secret: string): Promise<string | undefined> {
    const { status, body } = await this.#transport.send({
      host: new URL(this.#origin).host,
      purpose: 'token',
      method: 'POST',
      origin: this.#origin,
      path: '/v2/auth/token',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ identifier, secret }),
      destination: 'configured',
    })
    const token = status === 200 ? parseObject(body)?.access_token : undefined
    return typeof token === 'string' && usable.test(token) ? token : undefined
  }
}

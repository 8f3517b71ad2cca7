/** Tokens for Docker Hub's own API, which differ from those for the registry (Hub API, "Create access token"). */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { usableToken } from '../credentials/token-service.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Credentials } from '../registry.ts'
import type { Transport } from '../transport/transport.ts'

/** The documentation says that they expire after ten minutes. */
const lifetimeMs = 540_000
const maxLogins = 1_000

type Login = Extract<Credentials, { readonly kind: 'basic' }>

export class HubLogin {
  /** By credential; `token` is undefined if the Hub refused the login. */
  readonly #tokens: LRUCache<string, { readonly token: string | undefined }, Login>

  constructor(transport: Transport, origin: string, clock: Clock = monotonicClock) {
    this.#tokens = new LRUCache<string, { readonly token: string | undefined }, Login>({
      max: maxLogins,
      ttl: lifetimeMs,
      ttlResolution: 0,
      perf: clock,
      ignoreFetchAbort: true,
      fetchMethod: async (_key, _stale, { context }) => ({ token: await logIn(transport, origin, context) }),
    })
  }

  /** The Authorization header; undefined without a login, which shows public repositories only. */
  async header(credentials: Credentials): Promise<string | undefined> {
    if (credentials.kind !== 'basic') return undefined
    const { token } = await this.#tokens.forceFetch(credentialId(credentials), { context: credentials })
    return token === undefined ? undefined : `Bearer ${token}`
  }

  forget(credentials: Credentials): void {
    this.#tokens.delete(credentialId(credentials))
  }
}

async function logIn(transport: Transport, origin: string, login: Login): Promise<string | undefined> {
  const { status, body } = await transport.send({
    host: new URL(origin).host,
    purpose: 'token',
    method: 'POST',
    origin,
    path: '/v2/auth/token',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({ identifier: login.username, secret: login.password }),
    destination: 'settings',
    credential: credentialId(login),
  })
  return status === 200 ? usableToken(parseObject(body)?.access_token) : undefined
}

/** One request to a token service: GET, or POST for an identity token (distribution's token and OAuth2 specs). */
import { credentialId } from '../../credentials/credential-id.ts'
import {
  accessDenied,
  answerInvalid,
  authHostForbidden,
  type Subject,
  statusFailure,
  transportFailure,
} from '../../failures.ts'
import type { Credentials } from '../../registry.ts'
import type { Destination } from '../../transport/addresses.ts'
import type { Request, Transport } from '../../transport/transport.ts'
import { type BearerToken, parseTokenAnswer } from './token-answer.ts'

/** As named in a registry's challenge. */
export interface TokenService {
  /** The registry's host. */
  readonly registry: string
  readonly realm: string
  readonly service: string | undefined
}

/** The value of an Authorization header (RFC 7617, in UTF-8). */
export function basic(credentials: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

/** @throws NeedsChangeError `RegistryAccessDenied`; TransientError as `Registry.resolve` does */
export async function requestBearerToken(
  transport: Transport,
  { service, credentials }: { readonly service: TokenService; readonly credentials: Credentials },
  scopes: readonly string[],
  ofRegistry: Subject,
): Promise<BearerToken> {
  const { url: realm, destination } = safeRealm(transport, service, ofRegistry)
  const subject = { ...ofRegistry, tokenService: realm.host }
  const answer = await transport
    .send(tokenRequest(realm, destination, service, credentials, scopes))
    .catch((error: unknown) => Promise.reject(transportFailure(subject, error)))

  if (answer.status >= 300 && answer.status < 400) {
    throw answerInvalid(subject, `a redirect (${answer.status}) of the token request, which is not followed`)
  }
  // Services answer 400 for scopes or refresh tokens that they do not accept.
  if (answer.status === 400) throw accessDenied(subject, 400, credentials)
  if (answer.status !== 200) throw statusFailure(subject, answer.status, credentials, answer.retryAfterMs)
  const token = parseTokenAnswer(answer)
  if (token === undefined) throw answerInvalid(subject, 'no token in it')
  return token
}

/** The registry's answer names the realm, which gets the credentials: it must use TLS, and be one that is trusted. */
function safeRealm(
  transport: Transport,
  { realm, registry }: TokenService,
  subject: Subject,
): { readonly url: URL; readonly destination: Destination } {
  const url = URL.canParse(realm) ? new URL(realm) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '') {
    throw answerInvalid(subject, 'its challenge names a token realm that is not a plain http(s) address')
  }
  if (url.protocol === 'http:' && !transport.isInsecure(registry)) {
    throw answerInvalid(subject, `its challenge names a token realm without TLS (${url.host})`)
  }
  const destination = transport.authHosts.trust(registry, new URL(transport.originOf(registry)), url)
  if (destination === undefined) throw authHostForbidden(subject, url.host)
  return { url, destination }
}

function tokenRequest(
  realm: URL,
  destination: Destination,
  { registry: host, service }: TokenService,
  credentials: Credentials,
  scopes: readonly string[],
): Request {
  const common = {
    host,
    purpose: 'token',
    origin: realm.origin,
    destination,
    credential: credentialId(credentials),
  } as const
  if (credentials.kind === 'identity-token') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'cvmanager',
      refresh_token: credentials.token,
    })
    if (service !== undefined) form.set('service', service)
    // RFC 6749, 3.3: one parameter, with spaces between the scopes.
    form.set('scope', scopes.join(' '))
    const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
    return { ...common, method: 'POST', path: `${realm.pathname}${realm.search}`, headers, body: form.toString() }
  }
  const query = new URLSearchParams(realm.search)
  if (service !== undefined) query.set('service', service)
  // A challenge may name several scopes, with spaces between them. Here each has its own parameter.
  for (const scope of scopes.flatMap((each) => each.split(' '))) query.append('scope', scope)
  const authorization = credentials.kind === 'basic' ? { authorization: basic(credentials) } : undefined
  return {
    ...common,
    method: 'GET',
    path: `${realm.pathname}?${query}`,
    headers: { accept: 'application/json', ...authorization },
  }
}

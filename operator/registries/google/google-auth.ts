/** google-auth-library over cvmanager's own transport: the same limits, deadline, size, CA, proxy and address checks. */
import type { AnyAuthClient, gaxios } from 'google-auth-library'
import {
  metadataAddress,
  requestToken,
  TokenRefused,
  type TokenRequest,
  usableToken,
} from '../credentials/token-service.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Transport } from '../transport/transport.ts'

export const stsOrigin = 'https://sts.googleapis.com'
export const iamOrigin = 'https://iamcredentials.googleapis.com'
/** Roles say what an account may do; workload identity pools issue tokens for no narrower scope. */
export const cloudScope = 'https://www.googleapis.com/auth/cloud-platform'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

export interface AccessToken {
  readonly token: string
  readonly lifetimeMs: number
}

const maxLifetimeMs = 86_400_000
/** For a token whose end is unknown, or has passed by this machine's clock. */
const unknownLifetimeMs = 300_000

export const lifetimeOf = (ms: number): number => (ms > 0 ? Math.min(ms, maxLifetimeMs) : unknownLifetimeMs)

/** @throws TransientError; TokenRefused; whatever the library throws for a source that it cannot read */
export async function accessTokenOf(client: AnyAuthClient): Promise<AccessToken> {
  sendAllBy(client)
  const { token } = await client.getAccessToken()
  const usable = usableToken(token)
  if (usable === undefined) throw new TokenRefused(new URL(stsOrigin), 'the token service gave no token')
  return { token: usable, lifetimeMs: lifetimeOf((client.credentials.expiry_date ?? 0) - Date.now()) }
}

/** The library hands the transporter to all parts of a client but the one that exchanges tokens. */
function sendAllBy(client: AnyAuthClient): void {
  const { stsCredential } = client as unknown as { readonly stsCredential?: { transporter: unknown } }
  if (stsCredential !== undefined) stsCredential.transporter = client.transporter
}

/** The machine's metadata services. Only the manager's own credentials file can name one here. */
const metadataHosts: ReadonlySet<string> = new Set([metadataAddress, '[fd00:ec2::254]'])

/**
 * @param moved addresses that the library takes for granted, and where to ask instead
 * @param credential as in `TokenRequest`
 */
export function googleTransporter(
  transport: Transport,
  { Gaxios }: typeof gaxios,
  moved: Readonly<Record<string, string>> = {},
  credential?: string,
): gaxios.Gaxios {
  const transporter = new Gaxios()
  transporter.request = async (options = {}) => {
    const { method = 'GET', data, headers, responseType = 'json' } = options
    const address = String(options.url)
    const url = new URL(moved[address] ?? address)
    const isForm = data instanceof URLSearchParams
    const answer = await requestToken(transport, {
      url,
      method: method as TokenRequest['method'],
      headers: {
        accept: 'application/json',
        ...(data && { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json' }),
        ...Object.fromEntries(new Headers(headers as Headers)),
      },
      body: data ? (isForm ? data.toString() : JSON.stringify(data)) : undefined,
      destination: metadataHosts.has(url.hostname) ? 'platform' : 'settings',
      credential,
    })
    const fields = responseType === 'json' ? (parseObject(answer.body) ?? {}) : answer.body.toString()
    // Without a token, the library would go on with the text "undefined".
    const hasToken = typeof fields === 'string' || usableToken(fields.access_token ?? fields.accessToken) !== undefined
    if (method === 'POST' && !hasToken) throw new TokenRefused(url, `${url.host} answered without a token`)
    return { config: options, data: fields, status: answer.status, headers: new Headers() } as never
  }
  return transporter
}

/** What Google's token services are asked, by plain requests (RFC 8693, RFC 7523, and Google's IAM Credentials API). */

import { type Exchanged, exchangeToken } from '../credentials/token-exchange.ts'
import type { Credentials } from '../registry.ts'
import type { Transport } from '../transport/transport.ts'

export const stsOrigin = 'https://sts.googleapis.com'
export const iamOrigin = 'https://iamcredentials.googleapis.com'
/** What an account may do is said by its roles; pools of identities give tokens for nothing narrower. */
export const cloudScope = 'https://www.googleapis.com/auth/cloud-platform'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const defaultSeconds = 3600

/** Both registries take an access token as the password of that user. */
export const asCredentials = (token: string): Credentials => ({
  kind: 'basic',
  username: 'oauth2accesstoken',
  password: token,
})

export interface Federation {
  /** Where the exchange is: `https://sts.googleapis.com/v1/token`. */
  readonly url: URL
  /** Which provider of which pool is to take the token for its own. */
  readonly audience: string
  readonly subjectToken: string
  readonly subjectTokenType: string
}

/** Somebody else's token for one of Google's (cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token). */
export async function federated(
  transport: Transport,
  { url, audience, subjectToken, subjectTokenType }: Federation,
): Promise<Exchanged> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience,
    scope: cloudScope,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: subjectToken,
    subject_token_type: subjectTokenType,
  })
  return await exchangeToken(transport, { url, body })
}

/** The token of an account that one may be (…/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken). */
export async function impersonated(
  transport: Transport,
  url: URL,
  token: string,
  seconds = defaultSeconds,
): Promise<Exchanged> {
  const headers = { authorization: `Bearer ${token}` }
  const body = { scope: [cloudScope], lifetime: `${seconds}s` }
  const answer = await exchangeToken(transport, { url, headers, body }, ({ accessToken }) => accessToken)
  // It is given a time of its end, by a clock that is not ours; it is what was asked for.
  return 'token' in answer ? { ...answer, lifetimeMs: seconds * 1000 } : answer
}

/** For those who hold a key (developers.google.com/identity/protocols/oauth2/service-account). */
export async function asserted(transport: Transport, url: URL, assertion: string): Promise<Exchanged> {
  const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
  return await exchangeToken(transport, { url, body })
}

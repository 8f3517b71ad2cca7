/**
 * What GOOGLE_APPLICATION_CREDENTIALS names: a token of another platform's that Google takes (google.aip.dev/auth/4117), or
 * the key of a service account (google.aip.dev/auth/4112).
 */
import { parseObject } from '../oci/manifest.ts'
import { iamOrigin, stsOrigin } from './google-tokens.ts'

export interface ExternalAccount {
  readonly type: 'external_account'
  readonly audience: string
  readonly subjectTokenType: string
  readonly tokenUrl: URL
  /** The account of IAM's that one then is. */
  readonly impersonation: { readonly url: URL; readonly seconds: number | undefined } | undefined
  readonly source: TokenSource
}

/** Where the other platform puts its token; `field` is its name where it stands in JSON. */
export type TokenSource = { readonly field: string | undefined } & (
  | { readonly file: string }
  | { readonly url: URL; readonly headers: Readonly<Record<string, string>> }
)

export interface KeyOfAccount {
  readonly type: 'service_account'
  readonly email: string
  readonly keyId: string | undefined
  /** PEM. */
  readonly privateKey: string
  readonly tokenUrl: URL
}

/** The most that IAM gives. */
const longestSeconds = 43_200

type Fields = Readonly<Record<string, unknown>>

/** @returns what is wrong with it, where it cannot be used; without anything of its content that is secret */
export function parseGoogleFile(text: string): ExternalAccount | KeyOfAccount | string {
  const fields = parseObject(Buffer.from(text))
  if (fields === undefined) return 'is not JSON'
  switch (fields.type) {
    case 'external_account':
      return externalAccount(fields)
    case 'service_account':
      return keyOfAccount(fields)
    default:
      return 'is neither of type external_account nor service_account'
  }
}

function externalAccount(fields: Fields): ExternalAccount | string {
  const { audience, subject_token_type, token_url, service_account_impersonation_url } = fields
  if (!isText(audience) || !isText(subject_token_type)) return 'has no audience or subject_token_type'
  const tokenUrl = secureUrl(token_url ?? `${stsOrigin}/v1/token`)
  if (tokenUrl === undefined) return 'has a token_url that is no https address'
  const source = sourceOf(fields.credential_source)
  if (typeof source === 'string') return source
  const common = { type: 'external_account', audience, subjectTokenType: subject_token_type, tokenUrl, source } as const
  if (service_account_impersonation_url === undefined) return { ...common, impersonation: undefined }
  const url = secureUrl(service_account_impersonation_url)
  if (url === undefined) return `has a service_account_impersonation_url that is no https address, e.g. at ${iamOrigin}`
  const options = fields.service_account_impersonation
  const seconds = isRecord(options) ? options.token_lifetime_seconds : undefined
  const isSeconds = typeof seconds === 'number' && seconds > 0
  return { ...common, impersonation: { url, seconds: isSeconds ? Math.min(seconds, longestSeconds) : undefined } }
}

function sourceOf(source: unknown): TokenSource | string {
  const fields: Fields = isRecord(source) ? source : {}
  const format: Fields = isRecord(fields.format) ? fields.format : {}
  const isJson = format.type === 'json'
  const name = format.subject_token_field_name
  if (isJson && !isText(name)) return 'has a credential_source in JSON without a subject_token_field_name'
  const field = isJson && isText(name) ? name : undefined
  if (isText(fields.file)) return { file: fields.file, field }
  const url = isText(fields.environment_id) ? undefined : httpUrl(fields.url)
  if (url === undefined)
    return 'has a credential_source that is neither a file nor a url (AWS and programs are not understood)'
  const headers = isRecord(fields.headers) ? Object.entries(fields.headers).filter(([, value]) => isText(value)) : []
  return { url, headers: Object.fromEntries(headers) as Readonly<Record<string, string>>, field }
}

function keyOfAccount(fields: Fields): KeyOfAccount | string {
  const { client_email, private_key, private_key_id, token_uri } = fields
  if (!isText(client_email) || !isText(private_key)) return 'has no client_email or private_key'
  const tokenUrl = secureUrl(token_uri ?? 'https://oauth2.googleapis.com/token')
  if (tokenUrl === undefined) return 'has a token_uri that is no https address'
  const keyId = isText(private_key_id) ? private_key_id : undefined
  return { type: 'service_account', email: client_email, keyId, privateKey: private_key, tokenUrl }
}

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function httpUrl(value: unknown): URL | undefined {
  const url = isText(value) && URL.canParse(value) ? new URL(value) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' ? url : undefined
}

/** A token goes there: to this machine alone without TLS. */
function secureUrl(value: unknown): URL | undefined {
  const url = httpUrl(value)
  return url?.protocol === 'https:' || /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url?.hostname ?? '')
    ? url
    : undefined
}

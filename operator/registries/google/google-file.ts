/** The file that GOOGLE_APPLICATION_CREDENTIALS names (google.aip.dev/auth/4112, 4117; `gcloud auth application-default login`). */
import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AnyAuthClient } from 'google-auth-library'
import { messageOf, TransientError } from '../../errors.ts'
import { TokenRefused } from '../credentials/token-service.ts'
import { isRecord, parseObject } from '../oci/manifest.ts'
import type { Transport } from '../transport/transport.ts'
import { type AccessToken, accessTokenOf, cloudScope, googleTransporter } from './google-auth.ts'

type Fields = Readonly<Record<string, unknown>>

/** Where the library sends the keys' assertions, whatever the file says. */
const tokenAddress = 'https://oauth2.googleapis.com/token'
const allowsPrograms = 'GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES'

/**
 * A token for what the file describes. The file, and the token that it may name, are read each time: they may be replaced.
 * @returns what is wrong with the file, without anything secret of it
 * @throws TransientError if a service is down
 */
export async function readGoogleFile(
  file: string,
  transport: Transport,
): Promise<AccessToken | { readonly fault: string }> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => ({ fault: messageOf(error) }))
  if (typeof text !== 'string') return text
  const fields = parseObject(Buffer.from(text))
  const fault = fields === undefined ? 'it is not JSON' : faultOf(fields)
  if (fields === undefined || fault !== undefined) return { fault: fault ?? '' }
  try {
    return await accessTokenOf(await clientOf(fields, transport))
  } catch (error) {
    if (error instanceof TransientError) throw error
    return { fault: describe(error, fields) }
  }
}

/** What is wrong with the content: checked here, since the library would send tokens without TLS too. */
export function faultOf(fields: Fields): string | undefined {
  if (!isSecureUrl(fields.token_uri ?? tokenAddress)) return 'its token_uri is not an https address'
  switch (fields.type) {
    case 'external_account':
      return faultOfExternalAccount(fields)
    case 'service_account':
      if (!isText(fields.client_email) || !isText(fields.private_key)) return 'it has no client_email or private_key'
      return isRsaKey(fields.private_key) ? undefined : 'its private_key is not an RSA key in PEM'
    case 'authorized_user':
      return ['client_id', 'client_secret', 'refresh_token'].every((key) => isText(fields[key]))
        ? undefined
        : 'it has no client_id, client_secret or refresh_token'
    default:
      return 'its type is not external_account, service_account or authorized_user'
  }
}

function faultOfExternalAccount(fields: Fields): string | undefined {
  const { audience, subject_token_type, token_url, service_account_impersonation_url: impersonation } = fields
  if (!isText(audience) || !isText(subject_token_type)) return 'it has no audience or subject_token_type'
  if (token_url !== undefined && !isSecureUrl(token_url)) return 'its token_url is not an https address'
  if (impersonation !== undefined && !isSecureUrl(impersonation))
    return 'its service_account_impersonation_url is not an https address'
  const source = isRecord(fields.credential_source) ? fields.credential_source : {}
  const { file, url, environment_id, executable, format } = source
  if (isRecord(format) && format.type === 'json' && !isText(format.subject_token_field_name))
    return 'its credential_source is in JSON and has no subject_token_field_name'
  if (isRecord(executable)) {
    return process.env[allowsPrograms] === '1'
      ? undefined
      : `its credential_source is a program, which runs only if the environment has ${allowsPrograms}=1`
  }
  return [file, url, environment_id].some(isText)
    ? undefined
    : 'its credential_source is neither a file, a url, AWS nor a program'
}

async function clientOf(fields: Fields, transport: Transport): Promise<AnyAuthClient> {
  const library = await import('google-auth-library')
  const tokenUri = isText(fields.token_uri) ? fields.token_uri : tokenAddress
  const transporter = googleTransporter(transport, library.gaxios, { [tokenAddress]: tokenUri })
  switch (fields.type) {
    case 'service_account':
      return new library.JWT({
        email: String(fields.client_email),
        key: String(fields.private_key),
        scopes: [cloudScope],
        additionalClaims: { aud: tokenUri },
        transporter,
      })
    case 'authorized_user': {
      const client = new library.UserRefreshClient({ transporter })
      client.fromJSON(fields as never)
      return client
    }
    default:
      return trimming(library.ExternalAccountClient.fromJSON({ ...fields, scopes: [cloudScope], transporter } as never))
  }
}

/** Tokens in files often end with a newline, which the library would send along. */
function trimming(
  client: ReturnType<typeof import('google-auth-library').ExternalAccountClient.fromJSON>,
): AnyAuthClient {
  if (client === null) throw new Error('its type is not external_account')
  const retrieve = client.retrieveSubjectToken.bind(client)
  client.retrieveSubjectToken = async () => (await retrieve()).trim()
  return client
}

/** Messages of parsers and programs are not shown: they may contain the token. */
function describe(error: unknown, { credential_source: source }: Fields): string {
  if (error instanceof TokenRefused) return error.message
  if (error instanceof SyntaxError) return 'what its credential_source names is not valid JSON'
  const isProgram = isRecord(source) && isRecord(source.executable)
  return isProgram ? 'the program of its credential_source gave no token' : messageOf(error)
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Tokens are sent there. Without TLS, only to this machine. */
function isSecureUrl(value: unknown): boolean {
  const url = isText(value) && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || url.username !== '') return false
  return (
    url.protocol === 'https:' || (url.protocol === 'http:' && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname))
  )
}

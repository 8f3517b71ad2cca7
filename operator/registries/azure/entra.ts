/** Access tokens of Entra ID for applications and workload identities, by Microsoft's MSAL. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { NetworkRequestOptions, NetworkResponse } from '@azure/msal-node'
import { messageOf, NeedsChangeError, TransientError } from '../../errors.ts'
import { identityUnavailable, requestToken, TokenRefused, usableToken } from '../credentials/token-service.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Transport } from '../transport/transport.ts'

export interface Application {
  readonly kind: 'workload identity' | 'application'
  readonly clientId: string
  readonly tenantId: string
  /** Read each time: files and tokens are replaced. */
  readonly proof: () => Promise<Proof>
}

type Proof =
  | { readonly clientAssertion: string }
  | { readonly clientSecret: string }
  | { readonly clientCertificate: { thumbprintSha256: string; privateKey: string; x5c: string } }

type Environment = Readonly<Record<string, string | undefined>>

const scope = 'https://containerregistry.azure.net/.default'

/** The address of Entra ID, without a slash at its end. */
export const authorityOf = ({ AZURE_AUTHORITY_HOST }: Environment): string =>
  (AZURE_AUTHORITY_HOST || 'https://login.microsoftonline.com').replace(/\/+$/, '')

/**
 * What the environment of this process says, by the variables of Azure's own libraries: Azure's webhook sets those of a
 * workload identity. `undefined` if it says nothing.
 */
export function applicationOf(env: Environment): Application | undefined {
  const { AZURE_CLIENT_ID: clientId, AZURE_TENANT_ID: tenantId } = env
  const { AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH } = env
  if (!clientId || !tenantId) return undefined
  if (AZURE_FEDERATED_TOKEN_FILE) {
    const proof = async () => ({ clientAssertion: (await read(AZURE_FEDERATED_TOKEN_FILE)).trim() })
    return { kind: 'workload identity', clientId, tenantId, proof }
  }
  if (AZURE_CLIENT_SECRET) {
    const proof = () => Promise.resolve({ clientSecret: AZURE_CLIENT_SECRET })
    return { kind: 'application', clientId, tenantId, proof }
  }
  if (!AZURE_CLIENT_CERTIFICATE_PATH) return undefined
  return { kind: 'application', clientId, tenantId, proof: () => certificateIn(AZURE_CLIENT_CERTIFICATE_PATH) }
}

/**
 * @param authority `https://login.microsoftonline.com`, or that of a sovereign cloud
 * @throws TokenRefused; TransientError while Entra ID is down, or a file cannot be read
 */
export async function entraToken(
  transport: Transport,
  authority: string,
  { clientId, tenantId, proof }: Application,
): Promise<string> {
  // MSAL insists on TLS. Plain HTTP is for proxies and tests.
  const secure = authority.replace(/^http:/, 'https:')
  const { host } = new URL(secure)
  const proven = await proof().catch((error: unknown) => {
    throw error instanceof Error && 'syscall' in error ? identityUnavailable(host, messageOf(error)) : error
  })
  let failure: unknown
  const sendBy =
    (method: 'GET' | 'POST') =>
    async <T>(address: string, { headers = {}, body }: NetworkRequestOptions = {}): Promise<NetworkResponse<T>> => {
      const url = new URL(address.replace(secure, authority))
      try {
        const answer = await requestToken(transport, {
          url,
          method,
          headers,
          body,
          credential: `${tenantId} ${clientId}`,
        })
        const fields = parseObject(answer.body) ?? {}
        if (usableToken(fields.access_token) !== undefined) return { status: 200, body: fields as T, headers: {} }
        throw new TokenRefused(url, `${url.host} answered without a token`)
      } catch (error) {
        failure = error
        throw error
      }
    }
  const { ConfidentialClientApplication } = await import('@azure/msal-node')
  const base = `${secure}/${tenantId}`
  const application = new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: base,
      ...proven,
      // Without these, MSAL would request them.
      knownAuthorities: [host],
      authorityMetadata: JSON.stringify({
        token_endpoint: `${base}/oauth2/v2.0/token`,
        authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
        issuer: `${base}/v2.0`,
        jwks_uri: `${base}/discovery/v2.0/keys`,
      }),
    },
    system: {
      networkClient: { sendGetRequestAsync: sendBy('GET'), sendPostRequestAsync: sendBy('POST') },
      disableInternalRetries: true,
    },
  })
  try {
    return (await application.acquireTokenByClientCredential({ scopes: [scope], skipCache: true }))?.accessToken ?? ''
  } catch (error) {
    // MSAL replaces what the transport throws by an error of its own.
    const cause = failure ?? error
    const isKnown = [TokenRefused, TransientError, NeedsChangeError].some((known) => cause instanceof known)
    throw isKnown ? cause : new TokenRefused(new URL(base), `${host} could not be asked: ${messageOf(cause)}`)
  }
}

async function certificateIn(file: string): Promise<Proof> {
  const pem = await read(file)
  const [certificate = ''] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(pem) ?? []
  const [privateKey = ''] =
    /-----BEGIN (?:RSA )?PRIVATE KEY-----[^-]*-----END (?:RSA )?PRIVATE KEY-----/.exec(pem) ?? []
  try {
    const thumbprintSha256 = new X509Certificate(certificate).fingerprint256.replaceAll(':', '')
    return { clientCertificate: { thumbprintSha256, privateKey, x5c: certificate } }
  } catch {
    throw new TokenRefused(new URL('file:'), `the file ${file} does not hold a certificate and its private key in PEM`)
  }
}

const read = (file: string): Promise<string> => readFile(file, 'utf8')

/**
 * Google's identities: that of the pod or the node (Workload Identity Federation for GKE), a credentials file, and those of
 * tenants' service accounts. Google's registries take an access token as the password of the user `oauth2accesstoken`
 * (cloud.google.com/artifact-registry, "Configure authentication to Artifact Registry for Docker").
 */
import { NeedsChangeError } from '../../errors.ts'
import { type Cloud, type Issued, refused, refusedForMs } from '../credentials/cloud.ts'
import { annotated, askedAs, nameOfAccount, type ServiceAccount } from '../credentials/service-account.ts'
import { metadataAddress, TokenRefused, usableToken } from '../credentials/token-service.ts'
import { parseObject } from '../oci/manifest.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import {
  type AccessToken,
  accessTokenOf,
  googleTransporter,
  iamOrigin,
  jwtType,
  lifetimeOf,
  stsOrigin,
} from './google-auth.ts'
import { readGoogleFile } from './google-file.ts'
import { askGoogleMetadata, poolNamed, poolOfCluster, type WorkloadPool } from './google-pool.ts'

/** The variable of Google's own libraries. */
const variable = 'GOOGLE_APPLICATION_CREDENTIALS'
const tokenPath = 'instance/service-accounts/default/token'
const iamAccount = {
  annotation: 'iam.gke.io/gcp-service-account',
  // It becomes part of an address.
  shape: /^[a-z0-9][a-z0-9-]{0,62}@[a-z0-9][a-z0-9.-]{0,120}\.gserviceaccount\.com$/,
  example: 'registry-reader@my-project.iam.gserviceaccount.com',
}

export class GoogleCloud implements Cloud {
  readonly issueOwn: Cloud['issueOwn']
  readonly #deps: RegistryDeps
  /** `undefined` if the metadata server must not be asked. */
  readonly #metadata: string | undefined
  #pool: WorkloadPool | undefined
  #noPoolUntil = Number.NEGATIVE_INFINITY

  constructor(deps: RegistryDeps) {
    const { endpoints, env, identity } = deps
    const isAllowed = identity?.cloudIdentity ?? true
    const metadata = endpoints['google-metadata'] ?? `http://${env.GCE_METADATA_HOST || metadataAddress}`
    const file = env[variable]
    this.#deps = deps
    this.#metadata = isAllowed ? metadata : undefined
    if (isAllowed) this.issueOwn = () => (file ? this.#ofFile(file) : this.#ofMachine(metadata))
  }

  /** The API server's token is exchanged for one of Google's, and that for one of the IAM account that an annotation names. */
  async issueFor(account: ServiceAccount, host: string): Promise<Issued> {
    const { transport, endpoints } = this.#deps
    const { tokenAudience, exchangeAudience } = await this.#poolFor(account, host)
    const annotation = (await account.annotations())[iamAccount.annotation]
    const email = annotation === undefined ? undefined : annotated(account, annotation, iamAccount)
    const { IdentityPoolClient, gaxios } = await import('google-auth-library')
    const iam = endpoints['google-iam'] ?? iamOrigin
    const client = new IdentityPoolClient({
      type: 'external_account',
      audience: exchangeAudience,
      subject_token_type: jwtType,
      token_url: `${endpoints['google-sts'] ?? stsOrigin}/v1/token`,
      subject_token_supplier: { getSubjectToken: () => account.token(tokenAudience) },
      transporter: googleTransporter(transport, gaxios, {}, nameOfAccount(account)),
      ...(email && {
        service_account_impersonation_url: `${iam}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`,
      }),
    })
    const name = `service account ${nameOfAccount(account)} as ${email ?? 'itself'}`
    const asked = askedAs(account)
    try {
      const remedy = `${asked} Grant it the role roles/artifactregistry.reader (docs/registries.md).`
      return issued(await accessTokenOf(client), name, remedy)
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      const remedy = error.url.pathname.endsWith(':generateAccessToken')
        ? `It may not act as ${email}, which its annotation ${iamAccount.annotation} names (${error.message}): grant it the role roles/iam.workloadIdentityUser on that account.`
        : `Its token was refused (${error.message}): check that ${exchangeAudience} exists and trusts this cluster's issuer.`
      return refused(name, `${asked} ${remedy}`)
    }
  }

  async #ofFile(file: string): Promise<Issued> {
    const name = `the file ${file}`
    const token = await readGoogleFile(file, this.#deps.transport)
    if ('fault' in token)
      return refused(name, `cvmanager cannot use the file ${file}, which ${variable} names: ${token.fault}.`)
    const remedy = `cvmanager used the credentials that ${variable} names: grant their account the role Artifact Registry Reader.`
    return issued(token, name, remedy)
  }

  async #ofMachine(metadata: string): Promise<Issued> {
    const name = 'the account of the pod or the node'
    const body = await askGoogleMetadata(this.#deps.transport, metadata, tokenPath)
    const { access_token, expires_in } = (body && parseObject(body)) ?? {}
    const token = usableToken(access_token)
    if (token === undefined) {
      const remedy =
        'cvmanager found no Google Cloud identity for this process: grant its service account the role Artifact Registry Reader by Workload Identity.'
      return refused(name, remedy)
    }
    const remedy =
      'cvmanager used the account that Google Cloud gives to this process: grant it the role Artifact Registry Reader.'
    return issued({ token, lifetimeMs: lifetimeOf(Number(expires_in) * 1000) }, name, remedy)
  }

  async #poolFor(account: ServiceAccount, host: string): Promise<WorkloadPool> {
    const { transport, clock, identity } = this.#deps
    this.#pool ??= poolNamed(identity?.googleWorkloadIdentity ?? '')
    if (this.#pool === undefined && this.#metadata !== undefined && clock.now() >= this.#noPoolUntil) {
      this.#pool = await poolOfCluster(transport, this.#metadata)
      this.#noPoolUntil = clock.now() + refusedForMs
    }
    if (this.#pool !== undefined) return this.#pool
    throw new NeedsChangeError(
      'ServiceAccountNotSupported',
      `the registry ${host} cannot be asked in the name of the service account ${nameOfAccount(account)}: cvmanager does not know which Google workload identity pool trusts this cluster; only GKE tells it. Set --google-workload-identity projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, or name a pull secret for ${host} in spec.imagePullSecrets.`,
    )
  }
}

const issued = ({ token, lifetimeMs }: AccessToken, name: string, remedy: string): Issued => ({
  credentials: { kind: 'basic', username: 'oauth2accesstoken', password: token, identity: { name, remedy } },
  lifetimeMs,
})

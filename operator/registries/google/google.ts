/**
 * Google Artifact Registry and Container Registry. Their user `oauth2accesstoken` takes an access token of Google's as its
 * password, and in Google's cloud the metadata server hands one out for the account of the pod (Workload Identity
 * Federation for GKE) or of the node: no key has to be kept (cloud.google.com/artifact-registry, "Configure authentication
 * to Artifact Registry for Docker"; cloud.google.com/compute/docs/metadata).
 */

import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import type { CloudIdentity } from '../credentials/cloud-identity.ts'
import { type Granted, KeptToken } from '../credentials/kept-token.ts'
import { askMetadata, metadataAddress } from '../credentials/metadata.ts'
import { usableToken } from '../credentials/token-exchange.ts'
import { WithIdentity } from '../credentials/with-identity.ts'
import { parseObject } from '../oci/manifest.ts'
import { OciRegistry } from '../oci/oci.ts'
import type { Credentials } from '../registry.ts'
import type { RegistryDeps, RegistryKind } from '../registry-kind.ts'
import { abortable } from '../transport/abortable.ts'
import type { Transport } from '../transport/transport.ts'
import { GoogleFileIdentity } from './google-file-identity.ts'
import { GoogleServiceAccount } from './google-service-account.ts'
import { asCredentials } from './google-tokens.ts'

const tokenPath = '/computeMetadata/v1/instance/service-accounts/default/token'
/** Looked for again after so long: it starts up beside the pods that want it. */
const absentForMs = 60_000

export interface GoogleOptions {
  /** `http://…`, without a path. */
  readonly metadata: string
  readonly clock?: Clock | undefined
}

export class GoogleIdentity implements CloudIdentity {
  readonly #transport: Transport
  readonly #metadata: string
  readonly #kept: KeptToken

  constructor(transport: Transport, { metadata, clock }: GoogleOptions) {
    this.#transport = transport
    this.#metadata = metadata
    this.#kept = new KeptToken(clock)
  }

  credentials(_: Repository, signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    return abortable(
      this.#kept.get(() => this.#ask()),
      signal,
    )
  }

  story(): string {
    return "No account of Google's cloud was found for this process: give its service account the role Artifact Registry Reader by Workload Identity."
  }

  denied(): string {
    return "It was asked with the account that Google's cloud gives to this process: give it the role Artifact Registry Reader."
  }

  async #ask(): Promise<Granted> {
    const answer = await askMetadata(this.#transport, this.#metadata, tokenPath, { 'metadata-flavor': 'Google' })
    const { access_token, expires_in } = (answer?.status === 200 && parseObject(answer.body)) || {}
    // Anybody may answer at that address in another cloud; Google's server says who it is.
    const isGoogles = answer?.headers['metadata-flavor'] === 'Google'
    const token = isGoogles ? usableToken(access_token) : undefined
    if (token === undefined) return { credentials: undefined, lifetimeMs: absentForMs }
    const seconds = typeof expires_in === 'number' && expires_in > 0 ? Math.min(expires_in, 86_400) : 60
    return { credentials: asCredentials(token), lifetimeMs: seconds * 1000 }
  }
}

/** `europe-docker.pkg.dev`, `us-central1-docker.pkg.dev`, `gcr.io`, `eu.gcr.io`; nothing that merely ends alike (B02). */
export const isGoogles = (host: string): boolean => /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)$/.test(host)

// The variable is that of Google's own libraries.
const metadataOf = ({ endpoints, env }: RegistryDeps): string =>
  endpoints['google-metadata'] ?? `http://${env.GCE_METADATA_HOST || metadataAddress}`

export const google: RegistryKind = {
  kind: 'gar',
  serves: isGoogles,
  make: (deps) => {
    const { transport, env, cloudIdentity = true } = deps
    const registry = new OciRegistry(transport)
    if (!cloudIdentity) return registry
    // As Google's own libraries choose.
    const file = env.GOOGLE_APPLICATION_CREDENTIALS
    const identity = file
      ? new GoogleFileIdentity(transport, { file })
      : new GoogleIdentity(transport, { metadata: metadataOf(deps) })
    return new WithIdentity('gar', registry, identity)
  },
  serviceAccounts: {
    make: (deps, account) => {
      const { transport, endpoints, googleWorkloadIdentity: pool = '', cloudIdentity = true } = deps
      const places = {
        pool,
        metadata: cloudIdentity ? metadataOf(deps) : undefined,
        sts: endpoints['google-sts'],
        iam: endpoints['google-iam'],
      }
      const identity = new GoogleServiceAccount(transport, account, places)
      return new WithIdentity('gar', new OciRegistry(transport), identity)
    },
  },
}

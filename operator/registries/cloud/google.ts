/**
 * Google Artifact Registry and Container Registry. Their user `oauth2accesstoken` takes an access token of Google's as its
 * password, and in Google's cloud the metadata server hands one out for the account of the pod (Workload Identity
 * Federation for GKE) or of the node: no key has to be kept (cloud.google.com/artifact-registry, "Configure authentication
 * to Artifact Registry for Docker"; cloud.google.com/compute/docs/metadata).
 */
import type { Clock } from '../../clock.ts'
import { abortable } from '../abortable.ts'
import { parseObject } from '../manifest.ts'
import { OciRegistry } from '../oci.ts'
import type { Credentials, Repository } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { type Answer, Paused, type Transport, Unreachable } from '../transport.ts'
import type { CloudIdentity } from './identity.ts'
import { type Granted, KeptToken } from './kept-token.ts'
import { WithIdentity } from './with-identity.ts'

const tokenPath = '/computeMetadata/v1/instance/service-accounts/default/token'
/** It is on the same machine; where there is none, nobody answers at all. */
const metadataDeadlineMs = 2_000
/** Looked for again after so long: it starts up beside the pods that want it. */
const absentForMs = 60_000
const usable = /^[\x21-\x7e]{1,32768}$/

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

  async #ask(): Promise<Granted> {
    const answer = await this.#send()
    const { access_token, expires_in } = (answer?.status === 200 && parseObject(answer.body)) || {}
    // Anybody may answer at that address in another cloud; Google's server says who it is.
    const isGoogles = answer?.headers['metadata-flavor'] === 'Google'
    if (!isGoogles || typeof access_token !== 'string' || !usable.test(access_token)) {
      return { credentials: undefined, lifetimeMs: absentForMs }
    }
    const seconds = typeof expires_in === 'number' && expires_in > 0 ? Math.min(expires_in, 86_400) : 60
    return {
      credentials: { kind: 'basic', username: 'oauth2accesstoken', password: access_token },
      lifetimeMs: seconds * 1000,
    }
  }

  async #send(): Promise<Answer | undefined> {
    const signal = AbortSignal.timeout(metadataDeadlineMs)
    try {
      return await this.#transport.send({
        host: new URL(this.#metadata).host,
        purpose: 'token',
        method: 'GET',
        origin: this.#metadata,
        path: tokenPath,
        headers: { 'metadata-flavor': 'Google' },
        destination: 'platform',
        urgent: true,
        signal,
      })
    } catch (error) {
      if (error instanceof Unreachable || error instanceof Paused || signal.aborted) return undefined
      throw error
    }
  }
}

/** `europe-docker.pkg.dev`, `us-central1-docker.pkg.dev`, `gcr.io`, `eu.gcr.io`; nothing that merely ends alike (B02). */
export const isGoogles = (host: string): boolean => /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)$/.test(host)

export const google: RegistryKind = {
  kind: 'gar',
  serves: isGoogles,
  make: ({ transport, endpoints, env, cloudIdentity = true }) => {
    const registry = new OciRegistry(transport)
    if (!cloudIdentity) return registry
    // The variable is that of Google's own libraries.
    const metadata = endpoints['google-metadata'] ?? `http://${env.GCE_METADATA_HOST || '169.254.169.254'}`
    return new WithIdentity('gar', registry, new GoogleIdentity(transport, { metadata }))
  },
}

/**
 * Google's workload identity of a tenant's service account: the API server's token for it is exchanged for one of Google's,
 * and that for one of the account of IAM's where an annotation names it, as GKE itself does it.
 */

import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import type { CloudIdentity } from '../credentials/cloud-identity.ts'
import { type Granted, KeptToken } from '../credentials/kept-token.ts'
import { annotated, nameOfAccount, type ServiceAccount } from '../credentials/service-account.ts'
import type { Credentials } from '../registry.ts'
import { abortable } from '../transport/abortable.ts'
import type { Transport } from '../transport/transport.ts'
import { poolNamed, poolOfCluster, type WorkloadPool } from './google-pool.ts'
import { asCredentials, federated, iamOrigin, impersonated, jwtType, stsOrigin } from './google-tokens.ts'

const iamAccount = {
  annotation: 'iam.gke.io/gcp-service-account',
  // It becomes part of an address.
  shape: /^[a-z0-9][a-z0-9-]{0,62}@[a-z0-9][a-z0-9.-]{0,120}\.gserviceaccount\.com$/,
  example: 'registry-reader@my-project.iam.gserviceaccount.com',
}
const refusedForMs = 60_000

export interface GooglePlaces {
  /** As in the settings; empty: that of the cluster, on GKE. */
  readonly pool: string
  /** Undefined where the metadata server is not to be asked. */
  readonly metadata: string | undefined
  /** Without a path, for tests. */
  readonly sts?: string | undefined
  readonly iam?: string | undefined
}

export class GoogleServiceAccount implements CloudIdentity {
  readonly #transport: Transport
  readonly #account: ServiceAccount
  readonly #places: GooglePlaces
  readonly #clock: Clock
  readonly #kept: KeptToken
  #pool: WorkloadPool | undefined
  #noPoolUntil = Number.NEGATIVE_INFINITY
  #story = ''

  constructor(transport: Transport, account: ServiceAccount, places: GooglePlaces, clock: Clock = monotonicClock) {
    this.#transport = transport
    this.#account = account
    this.#places = places
    this.#clock = clock
    this.#kept = new KeptToken(clock)
  }

  async credentials({ host }: Repository, signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    return await abortable(
      this.#kept.get(() => this.#grant(host)),
      signal,
    )
  }

  story(): string {
    return `${this.#whom} ${this.#story}`
  }

  denied(): string {
    return `${this.#whom} Give it the role roles/artifactregistry.reader there (docs/registries.md).`
  }

  get #whom(): string {
    return `It was asked in the name of the service account ${nameOfAccount(this.#account)} (spec.serviceAccountName).`
  }

  async #grant(host: string): Promise<Granted> {
    const { tokenAudience, exchangeAudience } = await this.#poolFor(host)
    const annotation = (await this.#account.annotations())[iamAccount.annotation]
    const email = annotation === undefined ? undefined : annotated(this.#account, annotation, iamAccount)
    const own = await federated(this.#transport, {
      url: new URL(`${this.#places.sts ?? stsOrigin}/v1/token`),
      audience: exchangeAudience,
      subjectToken: await this.#account.token(tokenAudience),
      subjectTokenType: jwtType,
    })
    if ('refusal' in own) {
      return this.#refused(
        `Its token was refused (${own.refusal}): check that ${exchangeAudience} exists and trusts this cluster's issuer.`,
      )
    }
    if (email === undefined) return { credentials: asCredentials(own.token), lifetimeMs: own.lifetimeMs }
    const url = new URL(`${this.#places.iam ?? iamOrigin}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`)
    const other = await impersonated(this.#transport, url, own.token)
    if ('refusal' in other) {
      return this.#refused(
        `It may not be ${email}, which its annotation ${iamAccount.annotation} names (${other.refusal}): give it the role roles/iam.workloadIdentityUser on that account.`,
      )
    }
    return { credentials: asCredentials(other.token), lifetimeMs: other.lifetimeMs }
  }

  #refused(story: string): Granted {
    this.#story = story
    return { credentials: undefined, lifetimeMs: refusedForMs }
  }

  async #poolFor(host: string): Promise<WorkloadPool> {
    const { pool, metadata } = this.#places
    this.#pool ??= poolNamed(pool)
    if (this.#pool === undefined && metadata !== undefined && this.#clock.now() >= this.#noPoolUntil) {
      this.#pool = await poolOfCluster(this.#transport, metadata)
      this.#noPoolUntil = this.#clock.now() + refusedForMs
    }
    if (this.#pool !== undefined) return this.#pool
    throw new NeedsChangeError(
      'ServiceAccountNotSupported',
      `the registry ${host} cannot be asked in the name of the service account ${nameOfAccount(this.#account)}: cvmanager does not know which workload identity pool of Google's trusts this cluster, which only GKE tells by itself. Set --google-workload-identity projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, or name a pull secret for ${host} in spec.imagePullSecrets.`,
    )
  }
}

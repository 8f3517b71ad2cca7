import type { Clock } from '../time/clock.ts'
import type { ServiceAccount } from './credentials/service-account.ts'
import type { AwsIdentity } from './ecr/identity.ts'
import type { Mirror } from './mirror.ts'
import type { Registry } from './registry.ts'
import type { Transport } from './transport/transport.ts'

/** What a registry is made of. */
export interface RegistryDeps {
  readonly transport: Transport
  readonly clock: Clock
  /** Addresses to be used instead of the public ones, by what they stand for, e.g. `ecr`: VPC endpoints, test servers. */
  readonly endpoints: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether the platform's identity is used where there are no other credentials. Default: yes. */
  readonly cloudIdentity?: boolean | undefined
  /** As whom AWS is asked. Default: what the SDK finds by itself. */
  readonly aws?: AwsIdentity | undefined
  /** Which of Google's workload identity pools knows tenants' service accounts; as in the settings. */
  readonly googleWorkloadIdentity?: string | undefined
  /** What a host is by the settings, where it does not say so itself: the name of a kind. */
  readonly providers?: ReadonlyMap<string, string> | undefined
  /** By the host of the registry that is mirrored. */
  readonly mirrors?: ReadonlyMap<string, Mirror> | undefined
}

/** One line of `registryKinds`: which hosts it serves, and how it is made. */
export interface RegistryKind {
  readonly kind: string
  /** @param host of a parsed reference, e.g. `registry.example.com:5000`, `docker.io` */
  serves(host: string): boolean
  /** It is a program of one's own, and serves whatever host is said to be of this kind. */
  readonly underAnyHost?: boolean
  make(deps: RegistryDeps): Registry
  /** Asked in the name of a tenant's service account alone; absent where it knows no such identity. */
  readonly serviceAccounts?: {
    make(deps: RegistryDeps, account: ServiceAccount): Registry
    /** For who is refused, where the registry itself does not know better. One sentence or more. */
    remedy?(account: ServiceAccount): string
  }
  /** What pull secrets hold opens nothing there. */
  readonly ignoresPullSecrets?: boolean
}

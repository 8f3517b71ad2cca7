import type { Settings } from '../config/settings.ts'
import type { Clock } from '../time/clock.ts'
import type { Cloud } from './credentials/cloud.ts'
import type { Registry } from './registry.ts'
import type { Transport } from './transport/transport.ts'

/** What registries and clouds are made of. */
export interface RegistryDeps {
  readonly transport: Transport
  readonly clock: Clock
  /** Replaces public addresses by what they stand for, e.g. `ecr`: for VPC endpoints and test servers. */
  readonly endpoints: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Which identity this process has in a cloud. */
  readonly identity?: IdentitySettings | undefined
}

export type IdentitySettings = Partial<
  Pick<
    Settings,
    | 'cloudIdentity'
    | 'googleWorkloadIdentity'
    | 'awsProfile'
    | 'awsRoleArn'
    | 'awsExternalId'
    | 'awsWebIdentityTokenFile'
  >
>

/** One line of `registryKinds`: which hosts it serves, and how it is made. */
export interface RegistryKind {
  readonly kind: string
  /** @param host of a parsed reference, e.g. `registry.example.com:5000`, `docker.io` */
  serves(host: string): boolean
  /** People run it themselves, so it serves any host that the settings say is of this kind. */
  readonly servesAnyHost?: boolean
  make(deps: RegistryDeps): Registry
  /** Absent if no cloud issues credentials for it. */
  makeCloud?(deps: RegistryDeps): Cloud
}

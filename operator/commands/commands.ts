/** The commands that need a cluster, as the command line calls them. */
import type { Settings } from '../config/settings.ts'
import type { Logger } from '../log/log.ts'
import type { WorkloadVersion } from './get.ts'
import type { SyncRequest, SyncResult } from './sync.ts'

export interface ClusterCommands {
  /**
   * Runs the controller until the signal; then it finishes what must not stay half done, and releases the Lease.
   * @throws Error when the controller cannot go on
   */
  runOperator(settings: Settings, log: Logger, signal: AbortSignal): Promise<void>
  sync(request: SyncRequest): Promise<SyncResult>
  /** @param namespace undefined: all that the account may read */
  getVersions(settings: Settings, namespace: string | undefined): Promise<readonly WorkloadVersion[]>
  /** The data of a ConfigMap; undefined if it does not exist. */
  configMapData(
    settings: Settings,
    namespace: string,
    name: string,
  ): Promise<Readonly<Record<string, string>> | undefined>
}

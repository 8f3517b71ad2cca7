/** The commands that need a cluster, as the command line calls them. */
import type { Settings } from '../config/settings.ts'
import type { Logger } from '../log/log.ts'
import type { WorkloadVersion } from './get.ts'
import type { SyncOutcome, SyncRequest } from './sync.ts'

/** A controller that has started. */
export interface Running {
  /** Resolves when the controller has stopped; rejects when it cannot go on. */
  readonly done: Promise<void>
  /** Finishes what must not stay half done, and gives up the Lease. Idempotent. */
  stop(): Promise<void>
}

export interface ClusterCommands {
  /** @param signal cancels a start that is still waiting; `stop()` stops a controller that has started */
  startOperator(settings: Settings, log: Logger, signal: AbortSignal): Promise<Running>
  sync(request: SyncRequest): Promise<SyncOutcome>
  /** @param namespace undefined: all that the account may read */
  getVersions(settings: Settings, namespace: string | undefined): Promise<readonly WorkloadVersion[]>
  /** The data of a ConfigMap; undefined if it does not exist. */
  configMapData(
    settings: Settings,
    namespace: string,
    name: string,
  ): Promise<Readonly<Record<string, string>> | undefined>
}

import type { Logger } from 'pino'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { EventWriter } from '../../kubernetes/events.ts'
import type { Clock } from '../../time/clock.ts'
import type { DeployedVersion } from '../history/deployed-version.ts'
import type { ServiceObject } from '../observe/service-object.ts'
import type { PlannedEvent } from '../plan/events.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import type { PodDeleter } from './pod-deleter.ts'
import type { StatusWriter } from './status-writer.ts'

/** Everything that `act` writes with. */
export interface Effects {
  readonly client: ApiClient
  readonly writer: StatusWriter
  readonly pods: PodDeleter
  readonly events: EventWriter
  /** Receives each event that this process is the first to write, even if it may not write events. */
  readonly onEvent: (object: ContainerVersion, event: PlannedEvent) => void
  /** The keys whose present status has all its events. */
  readonly reported: Set<string>
  /** Why the API server has refused the last changes of a key: by the UID of a workload or Service, or the name of a check's pod. */
  readonly refused: Map<string, ReadonlyMap<string, string>>
  /** Whether rollouts are recorded where the spec does not say. */
  readonly historyByDefault: boolean
  readonly deployedVersion: DeployedVersion
  /** Receives each workload as it is after a change. */
  readonly onChanged: (workload: WorkloadObject) => void
  /** Receives each Service as it is after a change. */
  readonly onServiceChanged: (service: ServiceObject) => void
  readonly clock: Clock
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>
}

/** What the loop writes with. */
import type { Logger } from 'pino'
import type { ApiClient } from '../../kubernetes/client.ts'
import type { EventWriter } from '../../kubernetes/events.ts'
import type { DeployedVersion } from '../history/deployed-version.ts'
import type { History } from '../history/history.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import type { ObjectWriter } from './status-writer.ts'

export interface Hands {
  readonly client: ApiClient
  readonly writer: ObjectWriter
  readonly events: EventWriter
  readonly history: History
  readonly deployedVersion: DeployedVersion
  /** Is given each workload as it is after a patch. */
  readonly changed: (workload: WorkloadObject) => void
  readonly find: (namespace: string, kind: string, name: string) => WorkloadObject | undefined
  readonly log: Pick<Logger, 'info' | 'warn'>
}

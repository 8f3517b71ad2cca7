import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/status.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { writeConfigMap } from './config-map.ts'
import { historyName } from './name.ts'
import { recordOf, withRecord } from './records.ts'

/** Records each rollout once, in the ConfigMap `<workload>.history`. */
export class History {
  readonly #client: ApiClient
  readonly #enabledByDefault: boolean

  constructor(client: ApiClient, enabledByDefault: boolean) {
    this.#client = client
    this.#enabledByDefault = enabledByDefault
  }

  /** @throws ApiError, TransientError */
  async record(object: ContainerVersion, rollout: RolloutStatus): Promise<void> {
    const { enabled = this.#enabledByDefault, name } = object.spec.history ?? {}
    if (!enabled) return
    // One after another: two workloads of different kinds may share a name, and so share a ConfigMap.
    for (const member of rollout.workloads) {
      const record = recordOf(rollout, member, object.name)
      await writeConfigMap(this.#client, object.namespace, name ?? historyName(member.name), (data) =>
        withRecord(data, record),
      )
    }
  }
}

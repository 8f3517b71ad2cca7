import { hash } from 'node:crypto'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { nameEndingIn } from '../../kubernetes/object-name.ts'
import { readConfigMap, writeConfigMap } from './config-map.ts'
import { infoKey, recordOf, withRecord } from './records.ts'

/**
 * Records a rollout of a workload once, in the ConfigMap `<workload>.history`, or `<spec.history.name>.history`.
 * @throws ApiError, TransientError
 */
export async function writeHistory(
  client: ApiClient,
  object: ContainerVersion,
  rollout: RolloutStatus,
  member: RolloutStatus['workloads'][number],
): Promise<void> {
  const record = recordOf(rollout, member, object.name)
  const name = historyName(object.spec.history?.name ?? member.name)
  const change = (data: Readonly<Record<string, string>>, binaryBytes: number) => withRecord(data, record, binaryBytes)
  await writeConfigMap(client, object.namespace, name, change, labelsOf2018(record.endTime))
}

/** The labels by which people find histories since 2018: `OWNED_BY=CVManager`, `MODIFIED_AT=Fri-13Apr2018-03.31`. */
export function labelsOf2018(endTime: string): Readonly<Record<string, string>> {
  // Fri, 13 Apr 2018 03:31:59 GMT
  const [day = '', date, month, year, time = ''] = new Date(endTime).toUTCString().split(' ')
  const modified = `${day.slice(0, 3)}-${date}${month}${year}-${time.slice(0, 5).replace(':', '.')}`
  return { OWNED_BY: 'CVManager', MODIFIED_AT: modified }
}

/**
 * The successful rollouts in the words of the first cvmanager, newest first; empty if there are none.
 * @param of a workload, or `spec.history.name`
 * @throws ApiError, TransientError
 */
export async function readHistory(client: Pick<ApiClient, 'get'>, namespace: string, of: string): Promise<string> {
  return (await readConfigMap(client, namespace, historyName(of)))?.data?.[infoKey] ?? ''
}

/** Names the ConfigMap of a history. If the name, usually the workload's, leaves no room for the ending, it is cut and hashed (B43). */
export function historyName(of: string): string {
  const ending = '.history'
  const name = nameEndingIn(of, ending)
  return name === of + ending ? name : nameEndingIn(of, `-${hash('sha256', of).slice(0, 8)}${ending}`)
}

import type { CoreV1Event } from '@kubernetes/client-node'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import type { WorkloadObject } from '../workloads/workload.ts'

/** More events of one workload and reason add nothing. */
const maxEvents = 50

/** A controller may be ahead of the end of the pod before. */
const passing = /already exists/

/**
 * Why the API server has refused pods of a StatefulSet or DaemonSet since that time: only events say so. Undefined if it has
 * not.
 * @throws ApiError, TransientError
 */
export async function refusalOf(
  client: ApiClient,
  { namespace, uid }: WorkloadObject,
  since: number,
): Promise<string | undefined> {
  const path = resourcePath({ group: '', version: 'v1', plural: 'events' }, { namespace })
  const query = { fieldSelector: `involvedObject.uid=${uid},reason=FailedCreate`, limit: maxEvents }
  const { items } = await client.get<{ items: readonly CoreV1Event[] }>(path, { query })
  return items.findLast((event) => lastTimeOf(event) >= since && !passing.test(event.message ?? ''))?.message
}

const lastTimeOf = ({ series, lastTimestamp, eventTime }: CoreV1Event): number =>
  Date.parse(String(series?.lastObservedTime ?? lastTimestamp ?? eventTime))

/** Reads what `cv status` shows. What the account may not read is left out, and said. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { StrategySpec } from '../../api/strategy.ts'
import { followedInWords } from '../../discovery/versions/policies/policies.ts'
import { type AllowedReads, allowedReads } from '../../kubernetes/allowed-reads.ts'
import { undefinedIfNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath, services as serviceResource } from '../../kubernetes/resource-path.ts'
import type { PodLists } from '../../rollouts/observe/pod-lists.ts'
import { leadsTo } from '../../rollouts/strategies/blue-green/sides.ts'
import { noPods } from '../../rollouts/workloads/health.ts'
import { workloadKinds } from '../../rollouts/workloads/kinds.ts'
import { selectContainers, selects } from '../../rollouts/workloads/select.ts'
import { selectorQuery } from '../../rollouts/workloads/strip.ts'
import type { WorkloadObject } from '../../rollouts/workloads/workload.ts'
import { listAll } from '../get.ts'
import { rolloutNode, type ServiceNode, type StatusTree } from './tree.ts'
import { type SeenWorkload, workloadNode } from './workloads.ts'

/**
 * @param pods of the same client, for all reads
 * @throws ApiError, TransientError
 */
export async function readTree(
  client: ApiClient,
  pods: PodLists,
  object: ContainerVersion,
  now: number,
): Promise<StatusTree> {
  const notShown = new Set<string>()
  const allowed = allowedReads(notShown)
  const workloads = await readWorkloads(client, pods, object, allowed)
  const services = await readServices(client, object, workloads, allowed)
  const live = services.find(({ role }) => role === 'Live')
  const { status, spec } = object
  const { phase = 'Pending', message, current, rollout, rollouts = [], next, held = [] } = status
  const [last] = rollouts
  return {
    namespace: object.namespace,
    name: object.name,
    follows: followedInWords(spec),
    status: phase,
    message,
    current: current && { version: current.version, digest: current.digest, since: current.since },
    rollout: rollout && rolloutNode(rollout),
    lastRollout: rollout ? undefined : last && withoutDetails(last),
    checks: (rollout ?? last)?.checks ?? [],
    services,
    workloads: workloads.map((workload) => workloadNode(object, workload, live, now)),
    next,
    held,
    notShown: [...notShown],
  }
}

const withoutDetails = ({
  workloads: _,
  checks: __,
  generation: ___,
  ...rollout
}: NonNullable<ContainerVersion['status']['rollouts']>[number]) => rollout

async function readWorkloads(
  client: ApiClient,
  pods: PodLists,
  { namespace, spec }: ContainerVersion,
  allowed: AllowedReads,
): Promise<readonly SeenWorkload[]> {
  const labelSelector = selectorQuery({ matchLabels: spec.selector })
  const lists = workloadKinds.map(async (kind) => {
    const raw = await allowed(listAll(client, kind, namespace, { labelSelector }), [])
    return raw.map((one) => ({ object: kind.strip(one), wanted: wantedPods(one) }))
  })
  const found = (await Promise.all(lists)).flat()
  return Promise.all(
    found
      .filter(({ object }) => selects(spec.selector, object) && selectContainers(spec, object).length > 0)
      .map(async (one) => {
        const facts = hasPods(one.object) ? allowed(pods.of(one.object, { recent: false }), noPods) : noPods
        return { ...one, pods: (await facts).pods }
      }),
  )
}

/** Without a selector, such as that of a CronJob, all pods of the namespace would be listed. A Pod is its own. */
const hasPods = ({ kind, podSelector }: WorkloadObject): boolean => podSelector !== '' || kind === 'Pod'

/** A DaemonSet has one pod on each node that it fits. */
function wantedPods(raw: unknown): number | undefined {
  const { spec, status } = raw as {
    readonly spec?: { readonly replicas?: number }
    readonly status?: { readonly desiredNumberScheduled?: number }
  }
  return spec?.replicas ?? status?.desiredNumberScheduled
}

/** The Services that the strategy switches. */
async function readServices(
  client: ApiClient,
  { namespace, spec, status }: ContainerVersion,
  workloads: readonly SeenWorkload[],
  allowed: AllowedReads,
): Promise<readonly ServiceNode[]> {
  const strategy: StrategySpec | undefined = status.rollout?.settings?.strategy ?? spec.strategy
  const { serviceName, verificationServiceName } = strategy?.blueGreen ?? {}
  const named = [
    { name: serviceName, role: 'Live' as const },
    { name: verificationServiceName, role: 'Verification' as const },
  ]
  const reads = named.map(async ({ name, role }): Promise<readonly ServiceNode[]> => {
    if (name === undefined) return []
    const path = resourcePath(serviceResource, { namespace, name })
    const read = client.get<RawService>(path).catch(undefinedIfNotFound)
    const selector = (await allowed(read, undefined))?.spec?.selector
    if (selector === undefined) return []
    const selected = workloads.filter(({ object }) => leadsTo(selector, object))
    return [{ name, role, selector, selects: selected.map(({ object }) => `${object.kind}/${object.name}`) }]
  })
  return (await Promise.all(reads)).flat()
}

interface RawService {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> }
}

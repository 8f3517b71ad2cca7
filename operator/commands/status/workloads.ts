/** The workloads and pods of `cv status`. */
import type { ContainerVersion } from '../../api/container-version.ts'
import { versionOf } from '../../rollouts/plan/current.ts'
import type { PodFacts } from '../../rollouts/workloads/health.ts'
import { podTrouble } from '../../rollouts/workloads/health.ts'
import type { Pod } from '../../rollouts/workloads/pods.ts'
import { selectContainers } from '../../rollouts/workloads/select.ts'
import type { WorkloadObject } from '../../rollouts/workloads/workload.ts'
import { timestamp } from '../../time/clock.ts'
import type { PodNode, ServiceNode, WorkloadNode } from './tree.ts'

/** A workload as it was read, with its own pods. */
export interface SeenWorkload {
  readonly object: WorkloadObject
  /** How many pods it should have; undefined if nobody says. */
  readonly wanted: number | undefined
  readonly pods: PodFacts['pods']
}

/** @param live the Service for users; undefined if the strategy switches none */
export function workloadNode(
  object: ContainerVersion,
  { object: found, wanted, pods }: SeenWorkload,
  live: ServiceNode | undefined,
  now: number,
): WorkloadNode {
  const { kind, name } = found
  const containers = selectContainers(object.spec, found).map((container) => ({ ...container, running: undefined }))
  return {
    kind,
    name,
    version: versionsOf(object, containers),
    ready: pods.filter(({ ready, deleting, ended }) => ready && !deleting && !ended).length,
    wanted,
    role: live && (live.selects.includes(`${kind}/${name}`) ? 'Live' : 'Idle'),
    pods: pods.map((pod) => podNode(object, containers, pod, now)),
  }
}

function podNode(
  object: ContainerVersion,
  selected: readonly { readonly name: string }[],
  pod: Pod,
  now: number,
): PodNode {
  const { name, ready, created } = pod
  const containers = pod.containers
    .filter((container) => selected.some((one) => one.name === container.name))
    .map(({ image, digest }) => ({ image, running: digest }))
  return {
    name,
    version: versionsOf(object, containers),
    ready,
    since: timestamp(created),
    trouble: troubleOf(pod, now),
  }
}

function versionsOf(
  object: ContainerVersion,
  containers: readonly { readonly image: string; readonly running: string | undefined }[],
): string {
  const versions = containers.map((container) => versionOf(object, undefined, container).version)
  return [...new Set(versions)].sort().join(', ')
}

/** What is wrong with a pod, in one line; undefined if nothing is. */
function troubleOf(pod: Pod, now: number): string | undefined {
  if (pod.deleting) return 'it is being deleted'
  if (pod.ended) return 'it has ended'
  if (pod.nodeLost) return 'its node is away'
  // Whether it is of the present template does not matter here.
  const trouble = podTrouble([{ ...pod, present: true }], { now, since: 0 })
  const [line] = trouble?.reason.split('\n') ?? []
  return line?.replace(` of pod ${pod.name}`, '').replace(`pod ${pod.name} `, '')
}

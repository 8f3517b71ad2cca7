/** The pods of checks in memory, as the API server and a kubelet have them. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { CheckPod, PodSight, Sight } from '../verifiers/verifier.ts'
import type { Change } from '../workloads/workload.ts'
import { runningCheck } from './checks.ts'

export interface SimulatedPod {
  readonly name: string
  readonly uid: string
  readonly createdAt: number
}

const workMs = 3_000

export class SimulatedChecks {
  pods: readonly SimulatedPod[] = []
  /** How many pods there have been, and how many of them at one time at the most. */
  made = 0
  most = 0
  /** How the pod of a check ends, by its name and the version; undefined if it cannot be run. */
  exit: (check: string, version: string) => number | undefined = () => 0
  /** How long a pod runs. */
  workMs = workMs

  seen({ status: { rollout } }: Pick<ContainerVersion, 'status'>, now: number): Sight | undefined {
    const check = rollout && runningCheck(rollout)
    if (!rollout || !check) return undefined
    const code = this.exit(check.name, rollout.version)
    if (code === undefined) return { sight: 'unavailable', message: 'it is not there' }
    const name = `${rollout.id}-${check.step}-${check.name}`
    const found = this.pods.find((pod) => pod.name === name)
    const others = this.pods.filter((pod) => pod !== found)
    const leftovers = others.map((pod) => ({ namespace: 'shop', ...pod, ended: this.#hasEnded(pod, now) }))
    const sight: PodSight = { sight: 'pod', name, pod: found && this.#pod(found, code, now), leftovers }
    return found ? sight : { ...sight, wanted: { metadata: { name } } }
  }

  apply(change: Extract<Change, { change: 'create' | 'delete' }>, now: number): void {
    if (change.change === 'delete') this.pods = this.pods.filter(({ uid }) => uid !== change.of.uid)
    if (change.change !== 'create') return
    const { name = '' } = change.object.metadata ?? {}
    if (this.pods.some((pod) => pod.name === name)) return
    this.made += 1
    this.pods = [...this.pods, { name, uid: `pod-${this.made}`, createdAt: now }]
    this.most = Math.max(this.most, this.pods.filter((pod) => !this.#hasEnded(pod, now)).length)
  }

  #hasEnded({ createdAt }: SimulatedPod, now: number): boolean {
    return now >= createdAt + this.workMs
  }

  #pod(pod: SimulatedPod, code: number, now: number): CheckPod {
    const { name, uid } = pod
    const exit = this.#hasEnded(pod, now) ? { name: 'check', code, reason: '', message: '' } : undefined
    return {
      ref: { namespace: 'shop', name, uid },
      name,
      uid,
      present: true,
      ready: false,
      deleting: false,
      ended: exit !== undefined,
      containers: [],
      unschedulable: undefined,
      nodeLost: false,
      overdue: Number.POSITIVE_INFINITY,
      created: 0,
      stepped: 0,
      changed: 0,
      exit,
      failedInit: undefined,
      started: true,
      ofVersion: new Set(),
      isLate: false,
      disruption: undefined,
    }
  }
}

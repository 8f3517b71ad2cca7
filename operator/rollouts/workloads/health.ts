import { workloadKind } from './kinds.ts'
import { isLost, type Pod, type PodContainer, presentPods, pulling } from './pods.ts'
import { pullFailure } from './pull-failure.ts'
import { healthy, refused, waiting } from './strip.ts'
import type { Before, Health, WorkloadObject } from './workload.ts'

/** What is known of the pods of a workload. */
export interface PodFacts {
  /** Its own pods, and no others. */
  readonly pods: readonly Pod[]
  /** The name of the ReplicaSet of its present template. */
  readonly replicaSet?: string | undefined
  /** Why the API server refuses more pods, according to its events. */
  readonly refusal?: string | undefined
}

/** Why something is not healthy. */
type Trouble = Exclude<Health, { readonly state: 'healthy' }>

export const noPods: PodFacts = { pods: [] }

/** In milliseconds since the epoch. */
export interface Times {
  readonly now: number
  /** When the rollout, or its rollback, began. Nothing that lasts longer than that says anything about it. */
  readonly since: number
}

/** @param before undefined if the workload is not part of a rollout */
export function healthOf(object: WorkloadObject, facts: PodFacts, times: Times, before?: Before): Health {
  const progress = before ? progressIn(object, facts.pods, before) : object.progress
  // A paused Deployment tries nothing, whatever its pods do.
  if (progress.state !== 'waiting' || progress.because === 'Paused') return progress
  const unavailable = before?.unavailable ?? lostPods(facts.pods, times)
  if (onlyLostPodsAreMissing(object, facts.pods, times, unavailable)) return healthy
  // The pods show sooner than the controller that a change will not succeed.
  const trouble = podTrouble(facts.pods, times, before?.restarts)
  if (trouble?.state === 'stuck') return trouble
  // While a new pod is not well, it is not a person that the version waits for.
  const isForPods = progress.because === 'OnDelete' && trouble !== undefined
  if (progress.because !== undefined && !isForPods) return progress
  if (facts.refusal !== undefined) return refused(`${progress.reason}; it is refused: ${facts.refusal}`)
  if (isTimedOut(object, facts, times)) return { state: 'stuck', reason: object.timedOut?.message ?? '' }
  return waiting(progressInWords(progress.reason, facts.pods, trouble?.reason))
}

/** How many pods are unavailable because of their nodes. */
export const lostPods = (pods: readonly Pod[], { now }: Times): number => pods.filter((pod) => isLost(pod, now)).length

function progressIn(object: WorkloadObject, pods: readonly Pod[], { changed }: Before): Health {
  const present = presentPods(pods).filter(
    ({ containers }) => !containers.some(({ name, outdated }) => outdated && changed.includes(name)),
  )
  const counts = { updated: present.length, ready: present.filter(({ ready }) => ready).length }
  return workloadKind(object.kind).progressOf?.(object, counts) ?? object.progress
}

/** `2 of 3 pods updated, 1 ready: container web of pod web-1 runs since …, and is not ready`. */
function progressInWords(reason: string, pods: readonly Pod[], trouble: string | undefined): string {
  const present = presentPods(pods)
  const ready = present.length > 0 ? `, ${present.filter((pod) => pod.ready).length} ready` : ''
  return `${reason}${ready}${trouble === undefined ? '' : `: ${trouble}`}`
}

/** The nodes of some pods were away before the rollout: it has succeeded when all the others are ready. */
function onlyLostPodsAreMissing(
  { missingPods, waitsFromOrdinal = 0 }: WorkloadObject,
  pods: readonly Pod[],
  { now }: Times,
  unavailableBefore: number,
): boolean {
  if (!missingPods || missingPods > unavailableBefore || pods.length === 0) return false
  const others = pods.filter((pod) => !pod.ended && !isLost(pod, now))
  return others.every((pod) => pod.ready && !pod.deleting && (pod.present || ordinalOf(pod) < waitsFromOrdinal))
}

/** The number at the end of the name of a StatefulSet's pod. */
export const ordinalOf = ({ name }: Pod): number => Number(name.slice(name.lastIndexOf('-') + 1))

/**
 * Whether a Deployment's own deadline has passed for this template. Its controller leaves the condition of an earlier
 * template until the new one makes progress.
 */
function isTimedOut({ timedOut }: WorkloadObject, { replicaSet }: PodFacts, { since }: Times): boolean {
  if (timedOut === undefined) return false
  const named = timedOut.message.match(/^ReplicaSet "([^"]*)"/)?.[1]
  // Times are in whole seconds: one of the second in which the rollout began may be older.
  return named === undefined ? timedOut.time > since : named === replicaSet
}

/** A container may crash until the services that it needs are up. After this many restarts it counts as stuck. */
const restartsUntilStuck = 3
/** A ConfigMap or Secret that is applied with the workload arrives sooner. */
const maxConfigErrorMs = 60_000
/** The kubelet pauses for 10, 20, 40 and 80 s between its tries: five have failed by now. */
const maxTriesMs = 150_000

/**
 * Why a workload is not healthy yet, according to its pods: first what will not pass by itself.
 * @param restartsBefore those of earlier images do not count
 */
export function podTrouble(pods: readonly Pod[], times: Times, restartsBefore = 0): Trouble | undefined {
  const troubles = presentPods(pods).flatMap((pod) =>
    pod.containers.flatMap((container) => containerTrouble(pod, container, times, restartsBefore) ?? []),
  )
  const pending = presentPods(pods).find(({ unschedulable }) => unschedulable !== undefined)
  return (
    troubles.find(({ state }) => state === 'stuck') ??
    troubles[0] ??
    (pending && waiting(`pod ${pending.name} is not scheduled: ${pending.unschedulable}`)) ??
    unready(pods)
  )
}

/** A container that has ended, or that runs and is not ready. It says since when, which does not change, and not for how long. */
function unready(pods: readonly Pod[]): Trouble | undefined {
  const found = presentPods(pods).flatMap((pod) =>
    pod.containers.flatMap((container) =>
      !container.init && (container.terminated || container.unreadySince !== undefined) ? [{ pod, container }] : [],
    ),
  )
  const [first] = found.sort((one, other) => other.container.restarts - one.container.restarts)
  if (!first) return undefined
  const { terminated, exit, restarts, unreadySince } = first.container
  const words = inWords(first.pod, first.container)
  if (terminated) return waiting(`${words} ${exitInWords(exit)}`)
  const before = restarts > 0 && exit ? ` after it ended: it ${exitInWords(exit)}` : ''
  return waiting(`${words} runs since ${unreadySince}${before}, and is not ready`)
}

const inWords = (pod: Pod, { init, name }: PodContainer): string =>
  `${init ? 'init container' : 'container'} ${name} of pod ${pod.name}`

/** The reasons are the kubelet's (k8s.io/kubernetes/pkg/kubelet/images and kuberuntime). */
function containerTrouble(
  pod: Pod,
  container: PodContainer,
  { now, since }: Times,
  restartsBefore: number,
): Trouble | undefined {
  if (!container.waiting) return undefined
  const { reason, message } = container.waiting
  const words = inWords(pod, container)
  if (reason === 'CrashLoopBackOff') {
    const { exit } = container
    const restarts = container.restarts - restartsBefore
    const after = `${reason} after ${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`
    return {
      state: restarts >= restartsUntilStuck ? 'stuck' : 'waiting',
      reason: `${words} ${exitInWords(exit)} (${after})${because(exit?.message)}`,
    }
  }
  const judged = (isFinal: boolean): Trouble => ({
    state: isFinal ? 'stuck' : 'waiting',
    reason: `${words} is in ${reason}${because(message)}`,
  })
  /** Times of another clock: a rollout that has just begun has not lasted for long, whatever they say. */
  const lasts = (from: number, ms: number) => now >= Math.max(from, since) + ms
  if (reason === 'InvalidImageName' || reason === 'ErrImageNeverPull') return judged(true)
  if (reason === 'CreateContainerConfigError')
    return judged(lasts(Math.max(pod.stepped, pod.changed), maxConfigErrorMs))
  if (!pulling.has(reason)) return undefined
  const failure = pullFailure(container.image, `${reason}: ${message}`)
  return judged(failure === 'final' || (failure === 'unknown' && lasts(pod.stepped, maxTriesMs)))
}

function exitInWords(exit: PodContainer['exit']): string {
  if (exit === undefined) return 'crashes'
  // `Error` and `Completed` say no more than the code.
  const why = ['', 'Error', 'Completed'].includes(exit.reason) ? '' : `: ${exit.reason}`
  return `exits with ${exit.code}${why}`
}

const because = (message: string | undefined): string => (message ? `: ${message}` : '')

/** What becomes of a check that runs in a pod. */
import { timestamp } from '../../time/clock.ts'
import { podTrouble } from '../workloads/health.ts'
import type { Change } from '../workloads/workload.ts'
import { type Case, ended, untilOf, waiting } from './case.ts'
import type { CheckPod, Exit, PodSight, Verdict } from './verifier.ts'

/** A pod that has disappeared is made again once. */
const maxPods = 2

export function podVerdict(given: Case, sight: PodSight): Verdict {
  return sight.pod ? judged(given, sight, sight.pod) : missing(given, sight)
}

/** There is no pod yet, or none any more. */
function missing(given: Case, { name, leftovers, wanted }: PodSight): Verdict {
  const { status, refused, now } = given
  const { pods = [] } = status
  if (pods.length >= maxPods) return ended(given, 'Error', `its pod ${name} has disappeared before its end, twice`)
  if (refused !== undefined) return ended(given, 'Error', `the API server refuses its pod ${name}: ${refused}`)
  const live = leftovers.find((pod) => !pod.ended)
  const why = live ? `pod ${live.name} of an earlier check to be gone` : `its pod ${name} to be created`
  if (now >= untilOf(given)) return ended(given, 'Error', `at its timeout, it still waits for ${why}`)
  const cleanup = leftovers.map((of): Change => ({ change: 'delete', of, check: status.name }))
  const create: readonly Change[] = live || !wanted ? [] : [{ change: 'create', object: wanted }]
  // Its creation changes nothing that brings the key back.
  const more = { changes: [...cleanup, ...create], lookAgainAt: now + firstLookMs }
  return waiting(given, live || pods.length > 0 ? `it waits for ${why}` : undefined, more)
}

/** A pod that is fast has ended by then. */
const firstLookMs = 1_000

function judged(given: Case, sight: PodSight, pod: CheckPod): Verdict {
  const { status, now } = given
  if (pod.exit?.code === 0) return ended(given, 'Passed')
  const why = pod.disruption ?? (pod.deleting ? 'somebody deletes it' : undefined)
  if (why !== undefined) return disrupted(given, pod, why)
  const failure = failureOf(given, pod)
  if (failure !== undefined) return ended(given, 'Failed', [failure, sight.log ?? []].flat().join('; '))
  const trouble = podTrouble([pod], { now, since: beginOf(status) })
  if (trouble?.state === 'stuck') return ended(given, aboutVersion(pod, given) ? 'Failed' : 'Error', trouble.reason)
  const starting = pod.started ? undefined : trouble?.reason
  const problem = pod.nodeLost ? `the node of pod ${pod.name} is away` : starting
  if (!isOver(given, pod)) return waiting(given, problem)
  const until = timestamp(untilOf(given))
  return ended(given, 'Error', `it could not begin by ${until}: ${problem ?? `pod ${pod.name} has not started`}`)
}

const beginOf = ({ since = '' }: Case['status']): number => Date.parse(since)

const isOver = (given: Case, { isLate }: CheckPod): boolean => given.now >= untilOf(given) || isLate

/** Somebody or something else has ended the pod, whatever its exit status is then. */
function disrupted(given: Case, pod: CheckPod, why: string): Verdict {
  const { pods = [], name: check } = given.status
  const what = `its pod ${pod.name} was ended before its time`
  if (isOver(given, pod) || pods.length >= maxPods) return ended(given, 'Error', `${what}: ${why}`)
  const changes: readonly Change[] = pod.deleting ? [] : [{ change: 'delete', of: pod.ref, check }]
  return waiting(given, `${what} (${why}), and is made again`, { changes })
}

/** What the end of its containers says about the version. */
function failureOf(given: Case, pod: CheckPod): string | undefined {
  const { exit, failedInit, isLate, nodeLost, started, name } = pod
  if (isOver(given, pod) && started && !nodeLost && (exit === undefined || isLate)) {
    const seconds = Math.round((untilOf(given) - beginOf(given.status)) / 1000)
    return `it still runs after ${seconds} s, its timeout (pod ${name})`
  }
  if (failedInit) return `init ${exitInWords(failedInit, name)}`
  return exit && exitInWords(exit, name)
}

/** The image of the version cannot be pulled; that of anything else says nothing about the version. */
function aboutVersion(pod: CheckPod, { status, now }: Case): boolean {
  const containers = pod.containers.filter(
    ({ name, waiting: held }) => pod.ofVersion.has(name) && held?.reason !== 'CreateContainerConfigError',
  )
  return podTrouble([{ ...pod, containers }], { now, since: beginOf(status) })?.state === 'stuck'
}

function exitInWords({ name, code, reason, message }: Exit, pod: string): string {
  // `Error` says no more than the status.
  const why = [...(reason && reason !== 'Error' ? [reason] : []), ...(message ? [message] : [])].join(': ')
  return `container ${name} of pod ${pod} ends with exit status ${code}${why ? ` (${why})` : ''}`
}

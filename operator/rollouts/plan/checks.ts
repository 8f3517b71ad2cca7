import type { Check } from '../../api/checks.ts'
import type { CheckStatus, PastRollout, RolloutSettings, RolloutStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import type { Sight } from '../verifiers/verifier.ts'
import type { Change } from '../workloads/workload.ts'

/** When checks run: before anything is changed, or as the strategy says. */
export type Stage = 'container' | 'strategy'

/** The checks of a rollout that begins. */
export function checksOf(settings: RolloutSettings): readonly CheckStatus[] {
  const pending = (step: Stage): readonly CheckStatus[] =>
    listOf(settings, step).map((check, at) => ({ name: nameOf(check, at), kind: check.kind, step, state: 'Pending' }))
  return [...pending('container'), ...pending('strategy')]
}

/** @param at the place of the check in its list, from 0 */
export const nameOf = ({ kind, name }: Check, at: number): string => name ?? `${kind.toLowerCase()}-${at + 1}`

const listOf = ({ verify, strategy }: RolloutSettings, stage: string): readonly Check[] =>
  stage === 'container' ? verify : (strategy.verify ?? [])

/** What a check of the status is to do. */
export function specOf(settings: RolloutSettings, { step, name }: CheckStatus): Check | undefined {
  return listOf(settings, step).find((check, at) => nameOf(check, at) === name)
}

/** Whether all checks of a stage have passed. */
export function havePassed({ checks = [] }: Pick<RolloutStatus, 'checks'>, stage: Stage): boolean {
  return checks.every(({ step, state }) => step !== stage || state === 'Passed')
}

/** The check that runs now: they run one after another. */
export function runningCheck({ phase, checks = [] }: Pick<RolloutStatus, 'phase' | 'checks'>): CheckStatus | undefined {
  return phase === 'RollingOut' ? checks.find(({ state }) => state === 'Running') : undefined
}

/** Whether a version has ended before it reached any workload: a check before that has not passed. */
export function neverWentOut({ checks = [] }: { readonly checks?: PastRollout['checks'] | undefined }): boolean {
  return checks.some(({ step, state }) => step === 'container' && state !== 'Passed')
}

/** The rollout with this check in place of the one of its name. */
export function withCheck(rollout: RolloutStatus, check: CheckStatus): RolloutStatus {
  const isIt = ({ step, name }: CheckStatus) => step === check.step && name === check.name
  return { ...rollout, checks: (rollout.checks ?? []).map((other) => (isIt(other) ? check : other)) }
}

/** The rollout with the pod that its running check has by now. Whatever ends the check, the pod is known. */
export function withSeenPod(rollout: RolloutStatus, sight: Sight | undefined): RolloutStatus {
  const running = runningCheck(rollout)
  if (!running || sight?.sight !== 'pod' || !sight.pod) return rollout
  const { name, uid } = sight.pod
  const { pods = [] } = running
  return pods.some((pod) => pod.uid === uid)
    ? rollout
    : withCheck(rollout, { ...running, pods: [...pods, { name, uid }] })
}

/** Afterwards a pod whose deletion was lost is left to its own deadline, and to the next check. */
const maxCleanupMs = 3_600_000

/** Deletes the pods of checks that have ended. Each is deleted once, however often this says so. */
export function finishedPods(namespace: string, status: ContainerVersionStatus, now: number): readonly Change[] {
  const { rollout, rollouts = [] } = status
  const running = rollout && runningCheck(rollout)
  const past = rollouts.filter(({ endTime }) => now < Date.parse(endTime) + maxCleanupMs)
  const all = [...(rollout?.checks ?? []), ...past.flatMap(({ checks = [] }) => checks)]
  return all
    .filter((check) => check !== running)
    .flatMap(({ name: check, pods = [] }) =>
      pods.map(({ name, uid }): Change => ({ change: 'delete', of: { namespace, name, uid }, check })),
    )
}

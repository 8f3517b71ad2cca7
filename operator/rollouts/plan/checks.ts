import type { Check } from '../../api/checks.ts'
import type { CheckStatus, RolloutSettings, RolloutStatus } from '../../api/rollout-status.ts'

/** When checks run: before anything is changed, or as the strategy says. */
export type Stage = 'container' | 'strategy'

/** The checks of a rollout that begins. */
export function checksOf({ verify, strategy }: RolloutSettings): readonly CheckStatus[] {
  const pending = (checks: readonly Check[], step: Stage): readonly CheckStatus[] =>
    checks.map((check, at) => ({ name: nameOf(check, at), kind: check.kind, step, state: 'Pending' }))
  return [...pending(verify, 'container'), ...pending(strategy.verify ?? [], 'strategy')]
}

/** @param at the place of the check in its list, from 0 */
export const nameOf = ({ kind, name }: Check, at: number): string => name ?? `${kind.toLowerCase()}-${at + 1}`

/** Whether all checks of a stage have passed. */
export function havePassed({ checks = [] }: RolloutStatus, stage: Stage): boolean {
  return checks.every(({ step, state }) => step !== stage || state === 'Passed')
}

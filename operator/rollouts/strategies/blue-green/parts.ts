/** The parts of a blue/green rollout, each with a deadline of its own. */
import type { StrategySpec } from '../../../api/strategy.ts'
import type { Part, Rollout } from '../strategy.ts'

export type Parts = Readonly<Record<'preview' | 'verify' | 'switch', Part>> & { readonly scaleDown: Part | undefined }

/** Without checks there is no part for them. */
export function partsOf({ blueGreen, verify: checks = [] }: StrategySpec): Parts {
  const of = 2 + Number(checks.length > 0) + Number(blueGreen?.scaleDown ?? false)
  const at = checks.length > 0 ? 3 : 2
  return {
    preview: { index: 1, of, name: 'preview' },
    verify: { index: 2, of, name: 'verify' },
    switch: { index: at, of, name: 'switch' },
    scaleDown: blueGreen?.scaleDown ? { index: at + 1, of, name: 'scale down' } : undefined,
  }
}

export const isAt = ({ step }: Rollout, part: Part): boolean => (step?.index ?? 0) >= part.index

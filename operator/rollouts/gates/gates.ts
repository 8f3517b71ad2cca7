import type { Version } from '../../discovery/target.ts'
import type { Observation } from '../observe/observation.ts'
import type { Gate, Hold } from './gate.ts'
import { imageReset } from './image-reset.ts'
import { immutable } from './immutable.ts'
import { notTried } from './not-tried.ts'
import { paused } from './paused.ts'
import { quarantine } from './quarantine.ts'

/** Every gate, in the order of the checks. To add one, add its file and a line here. */
export const gates: readonly Gate[] = [quarantine, immutable, paused, notTried, imageReset]

/** What a gate says of a version that it holds back. */
export interface Verdict extends Hold {
  readonly by: string
}

/**
 * Asks all gates, before a rollout starts and before a newer version replaces one in progress.
 * @returns all that hold the version back, in the order of the gates; empty if it may go out
 */
export function checkGates(
  all: readonly Gate[],
  observation: Observation,
  version: Pick<Version, 'digest' | 'name'>,
): readonly Verdict[] {
  return all.flatMap(({ name, check }) => {
    const hold = check(observation, version)
    return hold ? [{ ...hold, by: hold.by ?? name }] : []
  })
}

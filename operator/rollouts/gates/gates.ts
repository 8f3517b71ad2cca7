import type { Version } from '../../discovery/target.ts'
import type { Observation } from '../observe/observation.ts'
import type { Gate, Hold } from './gate.ts'
import { imageReset } from './image-reset.ts'
import { notTried } from './not-tried.ts'
import { paused } from './paused.ts'
import { quarantine } from './quarantine.ts'

/** Every gate, in the order of the checks. To add one, add its file and a line here. */
export const gates: readonly Gate[] = [quarantine, paused, notTried, imageReset]

/** The first gate that holds the version back, and why; undefined if all let it pass. */
export function checkGates(
  all: readonly Gate[],
  observation: Observation,
  version: Version,
): (Hold & { readonly by: string }) | undefined {
  for (const { name, check } of all) {
    const hold = check(observation, version)
    if (hold) return { ...hold, by: hold.by ?? name }
  }
  return undefined
}

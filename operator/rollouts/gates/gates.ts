import type { ContainerVersion } from '../../api/container-version.ts'
import type { Version } from '../../discovery/target.ts'
import type { Gate, Verdict } from './gate.ts'
import { imageReset } from './image-reset.ts'
import { quarantine } from './quarantine.ts'

/** Every gate, in the order of the checks. To add one, add its file and a line here. */
export const gates: readonly Gate[] = [quarantine, imageReset]

/** The verdict of the first gate that holds the version back, or open. */
export function checkGates(all: readonly Gate[], object: ContainerVersion, version: Version, now: number): Verdict {
  for (const gate of all) {
    const verdict = gate.check(object, version, now)
    if (verdict.verdict === 'held') return verdict
  }
  return { verdict: 'open' }
}

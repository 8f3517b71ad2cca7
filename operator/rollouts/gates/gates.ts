import type { ContainerVersion } from '../../api/container-version.ts'
import type { Version } from '../../discovery/target.ts'
import type { Gate, Hold } from './gate.ts'
import { imageReset } from './image-reset.ts'
import { quarantine } from './quarantine.ts'

/** Every gate, in the order of the checks. To add one, add its file and a line here. */
export const gates: readonly Gate[] = [quarantine, imageReset]

/** The first gate that holds the version back, and why; undefined if all let it pass. */
export function checkGates(
  all: readonly Gate[],
  object: ContainerVersion,
  version: Version,
  now: number,
): (Hold & { readonly by: string }) | undefined {
  for (const { name, check } of all) {
    const hold = check(object, version, now)
    if (hold) return { by: name, ...hold }
  }
  return undefined
}

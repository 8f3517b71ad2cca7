import { type Invariants, short } from './evidence.ts'
import { forward } from './patches.ts'
import type { PodLife } from './pods.ts'

/** What holds of the checks of versions. */
export const checks: Invariants = {
  'one pod of a check at a time': ({ lives, lateWrites }) => {
    const ofChecks = lives.filter((life) => life.checks)
    const pairs = ofChecks.flatMap((life) =>
      ofChecks
        .filter((other) => other !== life && other.checks?.owner === life.checks?.owner && livesAtBirthOf(life, other))
        .map(({ name, uid }) => `pod ${life.name} (${life.uid}) was created while ${name} (${uid}) ran`),
    )
    // A creation has no precondition: one that was on its way when its sender died arrives beside the pod of what is checked by then.
    return pairs.slice(lateWrites)
  },

  'nothing goes out before its check has passed': (run) =>
    run.isCheckedBefore
      ? run.changes.filter(forward(run)).flatMap(({ workload, to, revision }) => {
          const hasPassed = run.lives.some(
            ({ checks: isOfCheck, images, sights }) =>
              isOfCheck &&
              images.has(to) &&
              sights.some((sight) => sight.end === 'Succeeded' && sight.revision < revision),
          )
          return hasPassed ? [] : [`${workload} got ${short(to)}, which no check had passed`]
        })
      : [],
}

function livesAtBirthOf({ sights: [birth] }: PodLife, { sights }: PodLife): boolean {
  const before = sights.filter(({ revision }) => birth && revision < birth.revision)
  return before.length > 0 && before.every(({ end }) => end === undefined)
}

import { type Invariants, type Run, short } from './evidence.ts'
import { previousOf, type Told } from './rollouts.ts'
import type { ImageChange } from './states.ts'

const ours = ({ by, from }: ImageChange): boolean => by === 'cvmanager' && from !== undefined

interface Reason {
  readonly rollout: Told
  readonly direction: 'forward' | 'back'
}

/** The rollout that a change of an image belongs to: the one in progress, or else the last one that fits. */
function reasonOf({ rollouts }: Run, { revision, uid, container, to }: ImageChange): Reason | undefined {
  const told = rollouts.filter(({ began }) => began.revision < revision)
  const reasons = told.flatMap((rollout): Reason[] => {
    const isBack = (rollout.backSince ?? revision) < revision && previousOf(rollout, uid, container) === to
    const isForward = rollout.image === to && rollout.workloads.some((member) => member.uid === uid)
    return [
      ...(isForward ? [{ rollout, direction: 'forward' as const }] : []),
      ...(isBack ? [{ rollout, direction: 'back' as const }] : []),
    ]
  })
  const isCurrent = ({ rollout, direction }: Reason) =>
    (rollout.ended?.revision ?? Number.POSITIVE_INFINITY) > revision &&
    (direction === 'back') === (rollout.backSince !== undefined && rollout.backSince < revision)
  return reasons.findLast(isCurrent) ?? reasons.at(-1)
}

/** What holds of each change of an image. */
export const patches: Invariants = {
  'the status tells of a rollout before an image is patched': (run) =>
    run.changes.filter(ours).flatMap((change) => {
      const reason = reasonOf(run, change)
      const what = `${change.workload} was set from ${short(change.from)} to ${short(change.to)}`
      if (reason === undefined) return [`${what} without a rollout`]
      const { ended } = reason.rollout
      const isLate = ended !== undefined && ended.revision < change.revision
      return isLate && !run.hasLateWrites ? [`${what} after rollout ${reason.rollout.id} had ended`] : []
    }),

  'one patch for each workload and rollout': (run) => {
    const counts = new Map<string, ImageChange[]>()
    for (const change of run.changes.filter(ours)) {
      const { rollout, direction } = reasonOf(run, change) ?? {}
      const key = `${change.workload} ${change.uid} ${change.container} ${direction} ${rollout?.id}`
      counts.set(key, [...(counts.get(key) ?? []), change])
    }
    return [...counts.values()].flatMap((patches) => {
      const [first, last] = [patches[0], patches.at(-1)]
      if (!first || !last) return []
      const byHand = run.changes.filter(
        ({ uid, by, revision }) =>
          uid === first.uid && by === 'people' && revision > first.revision && revision < last.revision,
      )
      return patches.length > 1 + byHand.length
        ? [
            `${first.workload} was patched ${patches.length} times to ${short(first.to)}, and set ${byHand.length} times by hand`,
          ]
        : []
    })
  },

  'no image that the registry did not serve': ({ changes, served }) =>
    changes
      .filter((change) => ours(change) && !served.has(change.to))
      .map(({ workload, to }) => `${workload} got ${to}`),
}

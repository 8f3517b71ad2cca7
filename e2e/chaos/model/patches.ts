import { type Invariants, maxViewAgeMs, overlapMs, type Run, short } from './evidence.ts'
import { previousOf, type Told } from './rollouts.ts'
import type { ImageChange } from './states.ts'
import { serves } from './switches.ts'

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

/** Whether cvmanager has brought a version with this change, and not taken one back. */
export const forward =
  (run: Run) =>
  (change: ImageChange): boolean =>
    ours(change) && reasonOf(run, change)?.direction === 'forward'

/** What holds of each change of an image. */
export const patches: Invariants = {
  'the status tells of a rollout before an image is patched': (run) =>
    run.changes.filter(ours).flatMap((change) => {
      const reason = reasonOf(run, change)
      const what = `${change.workload} was set from ${short(change.from)} to ${short(change.to)}`
      if (reason === undefined) return [`${what} without a rollout`]
      const { ended } = reason.rollout
      const isLate = ended !== undefined && ended.revision < change.revision
      // A write that was long on its way may still arrive, but only if nothing has happened to the workload meanwhile.
      const isFirst = !run.changes.some(
        ({ uid, revision }) =>
          uid === change.uid && revision > reason.rollout.began.revision && revision < change.revision,
      )
      return isLate && !(run.lateWrites > 0 && isFirst) ? [`${what} after rollout ${reason.rollout.id} had ended`] : []
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

  'what a person has set is not overwritten without a word': (run) =>
    run.changes.flatMap((change, at) => {
      const { uid, container, workload, to, revision, by, from } = change
      const next = run.changes.slice(at + 1).find((other) => other.uid === uid && other.container === container)
      if (by !== 'people' || from === undefined || next?.by !== 'cvmanager') return []
      // A side without users is there for the next version.
      if (!serves(run, uid, revision) || !serves(run, uid, next.revision)) return []
      const statuses = run.states.filter(({ object }) => object.kind === 'ContainerVersion' && object.status?.current)
      const owner = statuses.findLast((state) => state.revision < next.revision)?.object.metadata.uid
      const isKnown = statuses.some((state) => state.object.metadata.uid === owner && state.revision < revision)
      const [before, then] = [revision, next.revision].map((limit) =>
        statuses.findLast((state) => state.revision < limit),
      )
      // What the selector did not find was nobody's, and another spec may mean other containers.
      const { conditions = [] } = before?.object.status ?? {}
      const isOfAnotherSpec = before?.object.metadata.generation !== then?.object.metadata.generation
      const isFound = !conditions.some(({ reason }) => reason === 'WorkloadNotFound') && !isOfAnotherSpec
      // The rollout has begun in the same moment, with an older view.
      const { began } = reasonOf(run, next)?.rollout ?? {}
      const isUnseen = began && change.at < began.at && overlapMs(run.disturbances, change.at, began.at) > 0
      // What the tag points at is wanted, even if cvmanager does not know it yet.
      const isWanted = run.tagMoves.some(({ build }, index) => {
        const movedAway = run.tagMoves[index + 1]?.at ?? Number.POSITIVE_INFINITY
        return to.endsWith(build.digest) && movedAway > change.at - maxViewAgeMs
      })
      const isTold = statuses.some(({ object }) =>
        object.status?.drifts?.some((drift) => drift.workload === workload && drift.image === to),
      )
      return !isKnown || !isFound || isUnseen || isWanted || isTold
        ? []
        : [`${workload} was set to ${short(to)} by a person, and then to ${short(next.to)}`]
    }),

  'no image that the registry did not serve': ({ changes, served }) =>
    changes
      .filter((change) => ours(change) && !served.has(change.to))
      .map(({ workload, to }) => `${workload} got ${to}`),
}

/**
 * The shadow model: what must hold of a run, whatever has happened in it. It believes the API server's audit log and the
 * final objects, and compares what cvmanager says of itself with them.
 */
import type { HistoryRecord } from '../../operator/rollouts/history/records.ts'
import type { Build } from '../scenario/builds.ts'
import { previousOf, rolloutsOf, type Told } from './rollouts.ts'
import { type ImageChange, imageChangesOf, imagesOf, type RawObject, type State } from './states.ts'

export interface Evidence {
  readonly states: readonly State[]
  readonly disturbances: readonly { readonly what: string; readonly from: number; readonly until: number }[]
  readonly tagMoves: readonly { readonly at: number; readonly build: Build; readonly isGood: boolean }[]
  /** The images that the registry serves. */
  readonly served: ReadonlySet<string>
  /** Those of them that run well. */
  readonly good: ReadonlySet<string>
  /** Whether a write may have arrived after the death of its sender, or have waited for long on its way. */
  readonly hasLateWrites: boolean
  /** What is there in the end. */
  readonly end: {
    readonly containerVersion: RawObject | undefined
    readonly workloads: readonly RawObject[]
    readonly configMaps: readonly RawObject[]
    readonly pods: readonly RawObject[]
  }
  /** The writes of a process that starts in the end, where nothing is left to do. */
  readonly afterwards: readonly string[]
  /** Since when cvmanager has worked. */
  readonly began: number
  readonly now: number
}

/** The evidence, with what follows from it. */
interface Run extends Evidence {
  readonly changes: readonly ImageChange[]
  readonly rollouts: readonly Told[]
}

type Invariant = (run: Run) => readonly string[]

/** @returns what is broken, each in a sentence that begins with the name of the invariant */
export function broken(evidence: Evidence): readonly string[] {
  const { states } = evidence
  const run = { ...evidence, changes: imageChangesOf(states), rollouts: rolloutsOf(states) }
  return Object.entries(invariants).flatMap(([name, holds]) => holds(run).map((problem) => `${name}: ${problem}`))
}

/** R11 */
const maxOverdueMs = 10_000
/** How old a view may be on which cvmanager acts: a list that it distrusts for a while, and a watch that is late. */
const maxViewAgeMs = 12_000

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

const imageAt = ({ changes }: Run, uid: string, container: string, revision: number): string | undefined =>
  changes.findLast((change) => change.uid === uid && change.container === container && change.revision < revision)?.to

const short = (image: string | undefined): string => image?.replace(/^.*:([^:@]+)@.*$/, '$1') ?? 'nothing'

const lastOf = <T>(list: readonly T[]): T | undefined => list.at(-1)

const invariants: Readonly<Record<string, Invariant>> = {
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
      const [first, last] = [patches[0], lastOf(patches)]
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

  'what a rollback restores is what was there': (run) =>
    run.rollouts.flatMap((rollout) =>
      rollout.workloads.flatMap(({ kind, name, uid, previous }) =>
        previous.flatMap(({ name: container, image }) => {
          const { began } = rollout
          const wasThere = run.changes.filter(
            (change) => change.uid === uid && change.container === container && change.to === image,
          )
          const until = (change: ImageChange) =>
            run.changes.find((next) => next.uid === uid && next.revision > change.revision)?.at ??
            Number.POSITIVE_INFINITY
          const isRecent = wasThere.some(
            (change) =>
              change.revision < (rollout.ended?.revision ?? Number.POSITIVE_INFINITY) &&
              until(change) > began.at - maxViewAgeMs,
          )
          const isReplaced = run.rollouts.some(
            (other) => other.outcome === 'Superseded' && previousOf(other, uid, container) === image,
          )
          // What was not healthy is replaced by what ran well, in the whole unit.
          const ran = run.good.has(image) && run.changes.some(({ to, at }) => to === image && at < began.at)
          return isRecent || isReplaced || ran
            ? []
            : [`rollout ${rollout.id} would restore ${short(image)} in ${kind}/${name}`]
        }),
      ),
    ),

  'a rollback restores exactly that': (run) =>
    run.rollouts.flatMap((rollout) => {
      const { outcome, ended } = rollout
      if (ended === undefined || (outcome !== 'RolledBack' && outcome !== 'Aborted')) return []
      return rollout.workloads.flatMap(({ kind, name, uid, previous }) =>
        previous.flatMap(({ name: container, image }) => {
          const last = run.changes.findLast((change) => change.uid === uid && change.revision <= ended.revision)
          // What somebody else has set is theirs.
          const isRestored = last?.by === 'people' || imageAt(run, uid, container, ended.revision + 1) === image
          return isRestored || isGone(run, uid)
            ? []
            : [
                `after rollout ${rollout.id} of ${short(rollout.image)}, ${kind}/${name} has ${short(last?.to)} and not ${short(image)}`,
              ]
        }),
      )
    }),

  'every rollout ends in time': ({ rollouts, disturbances, now }) =>
    rollouts.flatMap(({ id, image, began, ended, parts, timeoutSeconds, outcome }) => {
      const until = ended?.at ?? now
      const disturbedMs = overlapMs(disturbances, began.at, until)
      const overdueMs = until - began.at - parts * timeoutSeconds * 1000 - disturbedMs
      return overdueMs > maxOverdueMs
        ? [
            `rollout ${id} of ${short(image)} (${outcome ?? 'no end'}) took ${until - began.at} ms, with ${parts} × ${timeoutSeconds} s and ${disturbedMs} ms of disturbances`,
          ]
        : []
    }),

  'one record for each rollout': ({ rollouts, end }) => {
    const records = end.configMaps.flatMap(({ metadata, data }) =>
      metadata.name.endsWith('.history') ? (JSON.parse(data?.['rollouts.json'] ?? '[]') as HistoryRecord[]) : [],
    )
    const wanted = rollouts.flatMap(({ id, outcome, lasting }) => {
      const isRecorded = outcome !== undefined && outcome !== 'Superseded'
      return isRecorded ? lasting.map(({ kind, name }) => `${id} ${kind}/${name} ${outcome}`) : []
    })
    const found = records.map(({ id, kind, workload, outcome }) => `${id} ${kind}/${workload} ${outcome}`)
    return [
      ...wanted.filter((record) => !found.includes(record)).map((record) => `${record} is missing`),
      ...found.filter((record) => !wanted.includes(record)).map((record) => `${record} was no rollout`),
      ...found.filter((record, at) => found.indexOf(record) !== at).map((record) => `${record} is there twice`),
    ]
  },

  'no rollout without need': (run) =>
    run.rollouts.flatMap(({ id, image, began, workloads }) => {
      const isNeeded = workloads.some(({ uid, previous }) =>
        previous.some(({ name }) => {
          const last = run.changes.findLast(
            (change) => change.uid === uid && change.container === name && change.revision < began.revision,
          )
          return last === undefined || last.to !== image || last.at > began.at - maxViewAgeMs
        }),
      )
      return isNeeded || workloads.length === 0 ? [] : [`rollout ${id} of ${short(image)}, which all workloads ran`]
    }),

  'a version that has failed is not tried again': ({ rollouts, tagMoves }) =>
    rollouts.flatMap((rollout, at) => {
      const failed = rollouts
        .slice(0, at)
        .findLast(
          ({ digest, owner, outcome }) =>
            digest === rollout.digest && owner === rollout.owner && (outcome === 'RolledBack' || outcome === 'Failed'),
        )
      if (!failed?.ended || failed.generation !== rollout.generation) return []
      const { began } = failed
      const hasMoved = tagMoves.some((move) => move.at > began.at - maxViewAgeMs && move.at < rollout.began.at)
      return hasMoved ? [] : [`rollout ${rollout.id} of ${short(rollout.image)} after ${failed.id}`]
    }),

  'nothing is lost': (run) => {
    const { containerVersion, workloads } = run.end
    const tag = lastOf(run.tagMoves)
    if (!containerVersion?.status || !tag) return ['there is no ContainerVersion']
    const { phase, observed, quarantined = [], held = [], rollout, rollouts = [] } = containerVersion.status
    if (rollout) return [`rollout ${rollout.id} has not ended`]
    if (observed?.digest !== tag.build.digest)
      return [`the tag points at ${tag.build.name}, and cvmanager knows ${observed?.version}`]
    const all = workloads.every((workload) => runs(workload, tag.build))
    if (phase === 'UpToDate') return all ? [] : [`it says UpToDate, and not all run ${tag.build.name}`]
    const isQuarantined = quarantined.some(({ digest }) => digest === tag.build.digest)
    // A version that is left in place has not come to all workloads if it has failed in the first of them.
    const some = workloads.some((workload) => runs(workload, tag.build))
    const isTrue = phase === 'RolledBack' ? !some : some
    if (!tag.isGood && isQuarantined && isTrue) return []
    if (!tag.isGood && isQuarantined) return [`it says ${phase}, and ${all ? 'all' : 'not all'} run ${tag.build.name}`]
    const failed = rollouts.find(({ digest }) => digest === tag.build.digest)
    if (isQuarantined && failed && wasDisturbed(run, failed)) return []
    const isHeld = held.some(({ until }) => until !== undefined && Date.parse(until) > run.now)
    return isHeld ? [] : [`${tag.build.name} is not rolled out: ${phase}, ${containerVersion.status.message}`]
  },

  'the workloads are one': (run) => {
    const { workloads } = run.end
    const images = workloads.flatMap((workload) => [...imagesOf(workload).values()])
    if (new Set(images).size <= 1) return []
    // A person may set one of them apart, or leave a version in place that has failed in one of them.
    const last = run.rollouts.findLast(({ outcome }) => outcome === 'Succeeded')
    const since = last?.began.revision ?? 0
    const isByHand = run.changes.some(({ by, from, at, revision }) => {
      const isFirst = from === undefined && at < run.began
      return by === 'people' && !isFirst && revision > since
    })
    return isByHand || run.rollouts.at(-1)?.outcome === 'Failed' ? [] : [`they have ${images.map(short).join(', ')}`]
  },

  'the status says what runs': ({ end: { containerVersion, workloads } }) => {
    const images = [...new Set(workloads.flatMap((workload) => [...imagesOf(workload).values()]))].sort()
    const { current } = containerVersion?.status ?? {}
    const said = current?.image === undefined ? (current?.containers?.map(({ image }) => image) ?? []) : [current.image]
    const told = [...new Set(said)].sort()
    return JSON.stringify(told) === JSON.stringify(images)
      ? []
      : [`it says ${told.map(short).join(', ')}, and they have ${images.map(short).join(', ')}`]
  },

  'nothing is left behind': ({ end: { containerVersion, workloads, configMaps, pods } }) => {
    const known = ['kube-root-ca.crt', ...workloads.map(({ metadata }) => `${metadata.name}.history`)]
    return [
      ...(containerVersion?.metadata.finalizers ?? []).map((finalizer) => `the finalizer ${finalizer}`),
      ...configMaps
        .filter(({ metadata }) => !known.includes(metadata.name))
        .map(({ metadata }) => `ConfigMap ${metadata.name}`),
      ...pods.filter(({ metadata }) => !metadata.ownerReferences?.length).map(({ metadata }) => `pod ${metadata.name}`),
    ]
  },

  'the end is a fixpoint': ({ afterwards }) => afterwards.map((write) => `a new process has sent ${write}`),
}

const runs = (workload: RawObject, { digest }: Build): boolean =>
  [...imagesOf(workload).values()].every((image) => image.endsWith(digest))

/** Its pods were slow, or nobody looked: a good version may fail then. */
const wasDisturbed = (
  { disturbances, changes }: Run,
  { startTime, endTime }: { readonly startTime: string; readonly endTime: string },
): boolean => {
  const [from, until] = [Date.parse(startTime) - 1_000, Date.parse(endTime) + 1_000]
  const isByHand = changes.some(({ by, at }) => by === 'people' && at > from && at < until)
  return isByHand || overlapMs(disturbances, from, until) > 0
}

const isGone = ({ end }: Run, uid: string): boolean => !end.workloads.some(({ metadata }) => metadata.uid === uid)

/** How much of this time was disturbed; what happens at the same time counts once. */
function overlapMs(disturbances: Evidence['disturbances'], from: number, until: number): number {
  let covered = from
  let total = 0
  for (const disturbance of [...disturbances].sort((one, other) => one.from - other.from)) {
    const [start, end] = [Math.max(disturbance.from, covered), Math.min(disturbance.until, until)]
    if (end <= start) continue
    total += end - start
    covered = end
  }
  return total
}

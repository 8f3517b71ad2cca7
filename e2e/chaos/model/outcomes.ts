import type { HistoryRecord } from '../../../operator/rollouts/history/records.ts'
import { type Invariants, maxViewAgeMs, overlapMs, type Run, short } from './evidence.ts'
import { previousOf } from './rollouts.ts'
import type { ImageChange } from './states.ts'
import { isSwitchedByHand, serves } from './switches.ts'

/** R11 */
const maxOverdueMs = 10_000

const imageAt = ({ changes }: Run, uid: string, container: string, revision: number): string | undefined =>
  changes.findLast((change) => change.uid === uid && change.container === container && change.revision < revision)?.to

const isGone = ({ end }: Run, uid: string): boolean => !end.workloads.some(({ metadata }) => metadata.uid === uid)

/** What holds of each rollout. */
export const outcomes: Invariants = {
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
          const isUnhealthy = rollout.workloads.some((member) =>
            run.changes.some(
              (change) =>
                change.uid === member.uid &&
                change.revision < began.revision &&
                (change.at > began.at - maxViewAgeMs ||
                  !run.good.has(imageAt(run, member.uid, container, began.revision) ?? '')),
            ),
          )
          const ran =
            isUnhealthy && run.good.has(image) && run.changes.some(({ to, at }) => to === image && at < began.at)
          return isRecent || isReplaced || ran
            ? []
            : [`rollout ${rollout.id} would restore ${short(image)} in ${kind}/${name}`]
        }),
      ),
    ),

  'a rollback restores exactly that': (run) =>
    run.rollouts.flatMap((rollout) => {
      const { outcome, began, ended } = rollout
      if (ended === undefined || (outcome !== 'RolledBack' && outcome !== 'Aborted')) return []
      return rollout.workloads.flatMap(({ kind, name, uid, previous }) =>
        previous.flatMap(({ name: container, image }) => {
          const last = run.changes.findLast((change) => change.uid === uid && change.revision <= ended.revision)
          // The side that served users has nothing to be restored, whatever a rollout before this one would have restored.
          const isLive = run.serviceName !== undefined && serves(run, uid, began.revision)
          const wanted = isLive ? imageAt(run, uid, container, began.revision) : image
          // What somebody else has set is theirs, and so is a side to which they have led users.
          const isTheirs = last?.by === 'people' || (isSwitchedByHand(run, rollout) && serves(run, uid, ended.revision))
          const isRestored = isTheirs || imageAt(run, uid, container, ended.revision + 1) === wanted
          return isRestored || isGone(run, uid)
            ? []
            : [
                `after rollout ${rollout.id} of ${short(rollout.image)}, ${kind}/${name} has ${short(last?.to)} and not ${short(wanted)}`,
              ]
        }),
      )
    }),

  'every rollout ends in time': ({ rollouts, disturbances, now }) =>
    rollouts.flatMap(({ id, image, began, ended, parts, timeoutSeconds, maxStillSeconds, outcome }) => {
      const until = ended?.at ?? now
      const disturbedMs = overlapMs(disturbances, began.at, until)
      const allowedMs = (parts * timeoutSeconds + maxStillSeconds) * 1000
      const overdueMs = until - began.at - allowedMs - disturbedMs
      return overdueMs > maxOverdueMs
        ? [
            `rollout ${id} of ${short(image)} (${outcome ?? 'no end'}) took ${until - began.at} ms, with ${parts} × ${timeoutSeconds} s, ${maxStillSeconds} s of checks and delays, and ${disturbedMs} ms of disturbances`,
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
      // It ends the one that it replaces, however far that has come since its checks.
      const replaces = run.rollouts.some(
        ({ outcome, ended, wentOut }) => outcome === 'Superseded' && wentOut && ended?.revision === began.revision,
      )
      return isNeeded || replaces || workloads.length === 0
        ? []
        : [`rollout ${id} of ${short(image)}, which all workloads ran`]
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
      const hasMoved = tagMoves.some((move) => move.at > began.at && move.at < rollout.began.at)
      return hasMoved ? [] : [`rollout ${rollout.id} of ${short(rollout.image)} after ${failed.id}`]
    }),
}

/** What is known of a run: the audit log, the final objects, and what was done to cvmanager. */
import type { Build } from '../../scenario/builds.ts'
import type { PodLife } from './pods.ts'
import { rolloutsOf, type Told } from './rollouts.ts'
import { type ImageChange, imageChangesOf, type RawObject, type State } from './states.ts'

export interface Evidence {
  readonly states: readonly State[]
  readonly lives: readonly PodLife[]
  readonly disturbances: readonly { readonly what: string; readonly from: number; readonly until: number }[]
  readonly tagMoves: readonly { readonly at: number; readonly build: Build; readonly isGood: boolean }[]
  /** The images that the registry serves. */
  readonly served: ReadonlySet<string>
  /** Those of them that run well. */
  readonly good: ReadonlySet<string>
  /** The Service that leads users to one of the workloads; undefined: all serve. */
  readonly serviceName?: string | undefined
  /** Whether a version must pass a check before it reaches a workload. */
  readonly isCheckedBefore: boolean
  /** How many writes may have arrived after the death of their sender, or have waited for long on their way. */
  readonly lateWrites: number
  /** What is there in the end. */
  readonly end: {
    readonly containerVersion: RawObject | undefined
    readonly workloads: readonly RawObject[]
    /** Those that serve users. */
    readonly serving: readonly RawObject[]
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
export interface Run extends Evidence {
  readonly changes: readonly ImageChange[]
  readonly rollouts: readonly Told[]
}

/** @returns what does not hold, each in a sentence */
export type Invariant = (run: Run) => readonly string[]

export type Invariants = Readonly<Record<string, Invariant>>

export function runOf(evidence: Evidence): Run {
  return { ...evidence, changes: imageChangesOf(evidence.states), rollouts: rolloutsOf(evidence.states) }
}

/** How old a view may be on which cvmanager acts: a list that it distrusts for a while, and a watch that is late. */
export const maxViewAgeMs = 12_000

/** The name of the disturbance. */
export const noProcess = 'no process is at work'

/** For messages: the tag. */
export const short = (image: string | undefined): string => image?.replace(/^.*:([^:@]+)@.*$/, '$1') ?? 'nothing'

export /** How much of this time was disturbed; what happens at the same time counts once. */
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

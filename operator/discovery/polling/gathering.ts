/** When targets of one repository are looked at together: where one question to its registry answers for many. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import type { Registry } from '../../registries/registry.ts'

export interface Rhythm {
  /** Where in its interval a target is looked at, 0 to 1. */
  readonly phase: number
  /** Whether others of its repository have the same phase, and are looked at in the same moment. */
  readonly gathers: boolean
}

/** One moment of its own for each target, so that many do not come at once; for those that gather, one for all. */
export function rhythmOf(
  repository: Repository,
  registryFor: (repository: Repository) => Registry,
  random: () => number,
): Rhythm {
  return batches(repository, registryFor)
    ? { phase: phaseOf(repositoryName(repository)), gathers: true }
    : { phase: random(), gathers: false }
}

function batches(repository: Repository, registryFor: (repository: Repository) => Registry): boolean {
  try {
    return registryFor(repository).batches === true
  } catch {
    // The first look says why there is none.
    return false
  }
}

const phaseKey = randomBytes(16)

/** Another one in each process, so that replicas and restarts do not fall on the same moments. */
const phaseOf = (name: string): number => createHmac('sha256', phaseKey).update(name).digest().readUInt32BE(0) / 2 ** 32

/** First looks, and those after a failure, wait for one of these moments. */
const gatheringMs = 250
/** Phases are of an hour, not of the interval: targets of different intervals meet, too. */
const phasesMs = 3_600_000
/** Sums of times are a little less than exact; more than that, and who comes just after a moment would be looked at alone. */
const slackMs = 0.01

/** In whole milliseconds, so that moments that are computed at different times are the same. */
export const gatheringOffset = (phase: number): number => Math.floor(phase * phasesMs)

/** That time, or the next one after it at which the others come, too. */
export function meetingAt(due: number, phase: number): number {
  const offset = gatheringOffset(phase)
  return Math.ceil((due - offset - slackMs) / gatheringMs) * gatheringMs + offset
}

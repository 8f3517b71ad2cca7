import type { ContainerVersion } from '../../api/container-version.ts'
import type { Condition, ContainerVersionStatus, Phase } from '../../api/status.ts'
import { timestamp } from '../../time/clock.ts'

type Truth = Condition['status']

/** What each phase means for the conditions: [Ready, Progressing, Stalled]. */
const conditionsOf: Readonly<Record<Phase, readonly [Truth, Truth, Truth]>> = {
  Pending: ['Unknown', 'True', 'False'],
  UpToDate: ['True', 'False', 'False'],
  RollingOut: ['False', 'True', 'False'],
  RollingBack: ['False', 'True', 'False'],
  RolledBack: ['False', 'False', 'True'],
  Failed: ['False', 'False', 'True'],
  Stalled: ['False', 'False', 'True'],
  Unavailable: ['False', 'False', 'False'],
}

export interface State {
  readonly phase: Phase
  /** One CamelCase word, stable enough to alert on. */
  readonly reason: string
  readonly message: string
}

/** The schema allows for more; it is for people. */
const longestMessage = 4_000

/** The fields of the status that say the state: the same in words, as phase, and as conditions. */
export function stated(
  object: ContainerVersion,
  now: number,
  { phase, reason, message: whole }: State,
): ContainerVersionStatus {
  const message = whole.slice(0, longestMessage)
  const [ready, progressing, stalled] = conditionsOf[phase]
  const condition = (type: Condition['type'], status: Truth): Condition => {
    const before = object.status.conditions?.find((candidate) => candidate.type === type)
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(now)
    return { type, status, reason, message, lastTransitionTime, observedGeneration: object.generation }
  }
  return {
    observedGeneration: object.generation,
    phase,
    message,
    conditions: [condition('Ready', ready), condition('Progressing', progressing), condition('Stalled', stalled)],
  }
}

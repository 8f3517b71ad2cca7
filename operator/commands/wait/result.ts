/** What `cv wait` is asked, and what it finds out. */
import type { CheckStatus, PastRollout } from '../../api/rollout-status.ts'
import type { ContainerVersionStatus, Held } from '../../api/status.ts'
import type { ObjectName } from '../object.ts'

export interface WaitRequest extends ObjectName {
  /** The name of a version, a digest, or its beginning; undefined: what the tag says when it is polled. */
  readonly version: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Receives one line for each change. */
  readonly onProgress: (line: string) => void
}

export type WaitOutcome =
  | 'Healthy'
  | 'Failed'
  | 'RolledBack'
  | 'Superseded'
  /** A gate holds it back, or a rollout waits for a person. */
  | 'Held'
  | 'NotFound'
  | 'TimedOut'
  | 'Interrupted'

/** A version, as far as it is known. */
export interface VersionName {
  readonly version: string
  readonly digest: string
}

/** Fields without a value are not there. */
export interface WaitResult {
  readonly result: WaitOutcome
  readonly version?: string | undefined
  readonly digest?: string | undefined
  /** Why. */
  readonly message: string
  /** Its rollout, if it has ended. */
  readonly rollout?: Pick<PastRollout, 'id' | 'outcome' | 'startTime' | 'endTime' | 'duration'> | undefined
  /** Those that failed, with the last lines of what they said. */
  readonly checks?: readonly CheckStatus[] | undefined
  /** What runs after a rollback. */
  readonly restored?:
    | { readonly version: string; readonly digest: string | undefined; readonly image: string | undefined }
    | undefined
  readonly held?: readonly Held[] | undefined
}

export function healthy(target: VersionName, ended: PastRollout | undefined): WaitResult {
  const message = ended ? `rolled out and healthy, after ${ended.duration}` : 'runs, and is healthy'
  return { result: 'Healthy', ...target, message, rollout: ended && inShort(ended) }
}

/** @param message what is known without an entry in the history */
export function failed(
  target: VersionName,
  outcome: 'Failed' | 'RolledBack',
  message: string,
  ended: PastRollout | undefined,
  { current }: ContainerVersionStatus,
): WaitResult {
  const checks = ended?.checks?.filter(({ state }) => state === 'Failed' || state === 'Error')
  return {
    result: outcome,
    ...target,
    message: ended?.message ?? message,
    rollout: ended && inShort(ended),
    ...(checks && checks.length > 0 ? { checks } : {}),
    ...(outcome === 'RolledBack' && current
      ? { restored: { version: current.version, digest: current.digest, image: current.image } }
      : {}),
  }
}

export function superseded(target: VersionName, { rollout, observed, current }: ContainerVersionStatus): WaitResult {
  const newer = [rollout, observed, current].find((one) => one && one.digest !== target.digest)
  return { result: 'Superseded', ...target, message: `replaced by ${newer?.version ?? 'another version'}` }
}

export function held(target: VersionName, by: string, status: ContainerVersionStatus): WaitResult {
  const { message = '', held: all } = status
  return { result: 'Held', ...target, message, held: all && all.length > 0 ? all : [{ by, message }] }
}

export const notFound = (message: string): WaitResult => ({ result: 'NotFound', message })

const inShort = ({ id, outcome, startTime, endTime, duration }: PastRollout) => ({
  id,
  outcome,
  startTime,
  endTime,
  duration,
})

/** A check and its state, and the verdicts that they allow. */
import type { Check } from '../../api/checks.ts'
import type { CheckState, CheckStatus } from '../../api/rollout-status.ts'
import { timestamp } from '../../time/clock.ts'
import type { Verdict } from './verifier.ts'

const defaultTimeoutMs = 300_000
const defaultIntervalSeconds = 5
/** The status, an event and the history each repeat it. */
const maxMessageLength = 512

/** What a verdict goes by, beside what was seen. */
export interface Case {
  readonly check: Check
  readonly status: CheckStatus
  /** Why the API server has refused its pod. */
  readonly refused: string | undefined
  readonly now: number
}

/** Until when a check that has begun may run, in milliseconds since the epoch. */
export function untilOf({ check, status }: Pick<Case, 'check' | 'status'>): number {
  return Date.parse(status.since ?? '') + timeoutMsOf(check)
}

/** Where the spec does not say, there is time for all measurements. */
function timeoutMsOf({ timeoutSeconds = 0, count = 1, intervalSeconds = defaultIntervalSeconds }: Check): number {
  if (timeoutSeconds > 0) return timeoutSeconds * 1000
  return Math.max(defaultTimeoutMs, count * (intervalSeconds + requestSeconds) * 1000)
}

/** For the kubelet, which ends the pod even if cvmanager is away (B37). */
export const deadlineSecondsOf = (check: Check): number => Math.ceil(timeoutMsOf(check) / 1000)

/** How long one request may take. */
export const requestSeconds = 5

export const intervalMsOf = ({ intervalSeconds = defaultIntervalSeconds }: Check): number => intervalSeconds * 1000

/** cvmanager does not watch the pods of checks: it reads them this often. */
const lookAgainMs = 2_000

/** The check goes on. Its status changes only with what it waits for. */
export function waiting({ status, now }: Case, message: string | undefined, more: Partial<Verdict> = {}): Verdict {
  const { message: _, ...others } = status
  const next = message === undefined ? others : { ...others, message: cut(message) }
  return { status: next, changes: [], lookAgainAt: now + lookAgainMs, ...more }
}

/** The check has ended. */
export function ended(
  { status, now }: Case,
  state: Extract<CheckState, 'Passed' | 'Failed' | 'Error'>,
  message?: string,
): Verdict {
  const { message: _, ...others } = status
  const said = message === undefined ? {} : { message: cut(message) }
  return { status: { ...others, state, endTime: timestamp(now), ...said }, changes: [], lookAgainAt: now }
}

const cut = (message: string): string =>
  message.length > maxMessageLength ? `${message.slice(0, maxMessageLength - 1)}…` : message

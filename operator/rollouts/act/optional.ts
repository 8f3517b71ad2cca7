import type { ContainerVersion } from '../../api/container-version.ts'
import { messageOf } from '../../errors.ts'
import { isNotFound, isRefused } from '../../kubernetes/api-error.ts'
import type { PlannedEvent } from '../plan/events.ts'
import type { Effects } from './effects.ts'
import { emit } from './emit.ts'

/** The event about a write that the API server refuses for good. */
export interface Refusal extends Pick<PlannedEvent, 'about'> {
  readonly reason: string
  /** What the event is about: there is one event for each. */
  readonly id: string
  /** What could not be written, and what to do. */
  readonly message: (cause: string) => string
}

/**
 * A write that delivery does not hang on. If the API server refuses it for good, an event says so (B28).
 * @returns a failure that may pass, for another try; undefined if there is none
 */
export async function optional(
  effects: Effects,
  object: ContainerVersion,
  refusal: Refusal,
  write: () => Promise<unknown>,
): Promise<unknown> {
  try {
    await write()
  } catch (thrown) {
    if (!isRefused(thrown)) return thrown
    await report(effects, object, refusal, thrown)
  }
  return undefined
}

/**
 * A write that delivery hangs on. If the API server refuses it for good, an event says so, and the queue tries it again.
 * @throws ApiError, TransientError
 */
export async function required<T>(
  effects: Effects,
  object: ContainerVersion,
  refusal: Refusal,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write()
  } catch (thrown) {
    // An object that is gone needs no event.
    if (isRefused(thrown) && !isNotFound(thrown)) await report(effects, object, refusal, thrown)
    throw thrown
  }
}

export async function report(
  effects: Effects,
  object: ContainerVersion,
  { reason, id, about, message }: Refusal,
  thrown: unknown,
): Promise<void> {
  const event = { type: 'Warning', reason, message: message(messageOf(thrown)), id, about, workloads: [] } as const
  await emit(effects, object, [event])
}

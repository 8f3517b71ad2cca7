/** Reads payloads that others sent: checks every access, bounds every length, and leaves out what does not fit. */
import type { PushHint } from '../hint.ts'
import { type Head, MalformedPayload, type ParsedPayload } from './receiver.ts'

export const maxEvents = 100
const maxTextLength = 1024

/** The value at a path of fields; undefined if any of them is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return current
}

/** The text at a path of fields; undefined if it is missing, empty or too long. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' && found.length > 0 && found.length <= maxTextLength ? found : undefined
}

/** @throws MalformedPayload if the value is not a list, or a list that is too long */
export function listOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedPayload(`${name} is not a list`)
  if (value.length > maxEvents) throw new MalformedPayload(`${name} has more than ${maxEvents} entries`)
  return value
}

/** @param found one entry for each event; undefined for an event without a hint, which counts as ignored */
export function payloadOf(found: readonly (PushHint | undefined)[]): ParsedPayload {
  const hints = found.filter((hint) => hint !== undefined)
  return { hints, ignored: found.length - hints.length }
}

/**
 * The registry's host as `imageRepo` spells it. The webhook's URL can name it (`?host=registry.example.com`), for
 * registries that know themselves by another name.
 * @param named the host that the payload names
 */
export function hostOf(head: Head, named: string | undefined): string | undefined {
  const host = head.query.get('host') ?? named
  return host === undefined || host.includes('/') ? undefined : host
}

/** An image name of the payload, under the host that the webhook's URL names, if it names one. */
export function underHost(head: Head, image: string): string {
  const host = hostOf(head, undefined)
  return host === undefined ? image : image.replace(/^[^/]*/, host)
}

/** Reading what others sent: every access is checked, every length bounded, and what does not fit is left out. */

import { isDigest } from '../../../images/digest.ts'
import { isTag, parseReference } from '../../../images/reference.ts'
import type { Place } from '../../polling/places.ts'
import { type Head, MalformedPayload, type Reading } from './receiver.ts'

export const mostEvents = 100
const longestText = 1024

/** The value at a path of fields; undefined where any of them is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let current = value
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined
    current = (current as Record<string, unknown>)[name]
  }
  return current
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' && found.length > 0 && found.length <= longestText ? found : undefined
}

/** @throws MalformedPayload for what is no list, and for more than a payload may hold */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new MalformedPayload(`${what} is not a list`)
  if (value.length > mostEvents) throw new MalformedPayload(`${what} has more than ${mostEvents} entries`)
  return value
}

/**
 * @param name a repository with its host, as in `registry.example.com/shop/web`
 * @param digest what the tag points at by now; left out where it is none
 */
export function placeOf(name: string | undefined, tag?: string, digest?: string): Place | undefined {
  if (name === undefined || (tag !== undefined && !isTag(tag))) return undefined
  try {
    const reference = parseReference(name)
    if (reference.name !== name) return undefined
    const { repository } = reference
    return tag === undefined ? { repository } : { repository, tag, ...claim(digest) }
  } catch {
    return undefined
  }
}

/** @param reference an image with its tag, as in `registry.example.com/shop/web:env-prod`; without a tag, any of them */
export function placeOfImage(image: string | undefined, claimed?: string): Place | undefined {
  if (image === undefined) return undefined
  try {
    const { repository, tag, digest } = parseReference(image)
    if (tag === undefined) return digest === undefined ? { repository } : undefined
    return { repository, tag, ...claim(claimed ?? digest) }
  } catch {
    return undefined
  }
}

const claim = (digest: string | undefined): Pick<Place, 'digest'> =>
  digest !== undefined && isDigest(digest) ? { digest } : {}

/** What was not understood counts as ignored: others of the same payload still count. */
export function reading(found: readonly (Place | undefined)[]): Reading {
  const places = found.filter((place) => place !== undefined)
  return { places, ignored: found.length - places.length }
}

/**
 * The registry's host as `imageRepo` has it: of the URL that the webhook was given (`?host=registry.example.com`), for
 * registries that know themselves by another name, or else what the payload says.
 */
export function hostOf(head: Head, said: string | undefined): string | undefined {
  const host = head.query.get('host') ?? said
  return host === undefined || host.includes('/') ? undefined : host
}

import { NeedsChangeError } from '../errors.ts'
import { parseReference, type Reference, sameRepository } from './reference.ts'

/** Undefined if the text is not a reference: the API server accepts any text as an image. */
export function partsOf(image: string): Reference | undefined {
  try {
    return parseReference(image)
  } catch (thrown) {
    if (thrown instanceof NeedsChangeError) return undefined
    throw thrown
  }
}

export const digestOf = (image: string): string | undefined => partsOf(image)?.digest

export const tagOf = (image: string): string | undefined => partsOf(image)?.tag

/** Whether two images are in one repository, however it is spelled. */
export function ofOneRepository(image: string, other: string): boolean {
  const [one, two] = [partsOf(image), partsOf(other)]
  return one !== undefined && two !== undefined && sameRepository(one.repository, two.repository)
}

/** Whether two texts name one image: they are equal, or have one digest in one repository. */
export function isSameImage(one: string, other: string): boolean {
  const digest = digestOf(one)
  return one === other || (digest !== undefined && digest === digestOf(other) && ofOneRepository(one, other))
}

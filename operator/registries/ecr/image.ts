/** ECR's ImageDetail, as far as it is read; whatever else is in an answer is passed over (B05). */

import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import { isTag } from '../../images/reference.ts'

export interface Image {
  readonly digest: Digest
  /** All of them, in no order that means anything. */
  readonly tags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly pushedAt: number | undefined
}

/** @throws InvalidAnswer where it is no list of images */
export function imagesOf(details: unknown): readonly Image[] {
  if (!Array.isArray(details)) throw new InvalidAnswer('no list of images in it')
  return details.flatMap((detail: unknown) => imageOf(detail) ?? [])
}

function imageOf(detail: unknown): Image | undefined {
  if (typeof detail !== 'object' || detail === null) return undefined
  const { imageDigest, imageTags, imagePushedAt } = detail as Readonly<Record<string, unknown>>
  if (!isDigest(imageDigest)) return undefined
  const tags = Array.isArray(imageTags)
    ? imageTags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag))
    : []
  const pushedAt = imagePushedAt instanceof Date ? imagePushedAt.getTime() : Number.NaN
  return { digest: imageDigest, tags, pushedAt: Number.isNaN(pushedAt) ? undefined : pushedAt }
}

/**
 * The image of each id, a tag or a digest; those that the answer has nothing for are left out (B03).
 * @throws InvalidAnswer where a tag would be on two images at once
 */
export function imagesById(ids: readonly string[], details: unknown): ReadonlyMap<string, Image> {
  const wanted = new Set(ids)
  const found = new Map<string, Image>()
  for (const image of imagesOf(details)) {
    for (const id of [image.digest, ...image.tags]) {
      if (!wanted.has(id)) continue
      if ((found.get(id)?.digest ?? image.digest) !== image.digest)
        throw new InvalidAnswer(`${id} is on two images in it`)
      found.set(id, image)
    }
  }
  return found
}

/** An answer of ECR's that cannot be used; `message` says why. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer'
}

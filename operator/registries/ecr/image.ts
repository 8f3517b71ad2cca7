/** The part of ECR's ImageDetail that is used. Anything else in an answer is ignored (B05). */
import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import { isTag } from '../../images/reference.ts'
import { answerInvalid, type Subject } from '../failures.ts'

export interface Image {
  readonly digest: Digest
  /** All of them, in no particular order. */
  readonly tags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly pushedAt: number | undefined
}

/** @throws TransientError `RegistryAnswerInvalid` if it is not a list of images */
export function imagesOf(subject: Subject, details: unknown): readonly Image[] {
  if (!Array.isArray(details)) throw answerInvalid(subject, 'no list of images in it')
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
 * The image of each id, which is a tag or a digest. Ids that are not in the answer are left out (B03).
 * @throws TransientError `RegistryAnswerInvalid` if a tag is on two images
 */
export function imagesById(subject: Subject, ids: readonly string[], details: unknown): ReadonlyMap<string, Image> {
  const wanted = new Set(ids)
  const found = new Map<string, Image>()
  for (const image of imagesOf(subject, details)) {
    for (const id of [image.digest, ...image.tags]) {
      if (!wanted.has(id)) continue
      const other = found.get(id)
      if (other !== undefined && other.digest !== image.digest) {
        throw answerInvalid(subject, `${id} is on two images in it`)
      }
      found.set(id, image)
    }
  }
  return found
}

/** One page of Docker Hub's own list of tags, which has digests (docs.docker.com/reference/api/hub, "List repository tags"). */

import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import { isTag } from '../../images/reference.ts'
import { parseObject } from '../oci/manifest.ts'

export interface ListedTag {
  readonly name: string
  readonly digest: Digest | undefined
  /** Milliseconds since the epoch. */
  readonly pushedAt: number | undefined
}

export interface TagPage {
  readonly tags: readonly ListedTag[]
  readonly isLast: boolean
}

/** Undefined where it is no such page. Entries that make no sense are left out. */
export function parseHubPage(body: Buffer): TagPage | undefined {
  const { results, next } = parseObject(body) ?? {}
  if (!Array.isArray(results)) return undefined
  const tags = (results as readonly unknown[]).flatMap((entry) => listedTag(entry) ?? [])
  return { tags, isLast: typeof next !== 'string' || next === '' || results.length === 0 }
}

function listedTag(entry: unknown): ListedTag | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const { name, digest, images, tag_last_pushed, last_updated } = entry as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || !isTag(name)) return undefined
  const pushedAt = Date.parse(String(tag_last_pushed ?? last_updated))
  return {
    name,
    digest: isDigest(digest) ? digest : onlyImage(images),
    pushedAt: Number.isNaN(pushedAt) ? undefined : pushedAt,
  }
}

/** Tags of old have their digest at the image alone; of several it would be a platform's, and not what the tag names. */
function onlyImage(images: unknown): Digest | undefined {
  if (!Array.isArray(images) || images.length !== 1) return undefined
  const [image] = images as readonly unknown[]
  const digest = typeof image === 'object' && image !== null && 'digest' in image ? image.digest : undefined
  return isDigest(digest) ? digest : undefined
}

/** One page of Quay's own list of tags (docs.quay.io/api/swagger, `listRepoTags`). */

import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import { isTag } from '../../images/reference.ts'
import { parseObject } from '../oci/manifest.ts'

export interface QuayTag {
  readonly name: string
  readonly digest: Digest
  /** Milliseconds since the epoch. */
  readonly pushedAt: number | undefined
}

export interface QuayPage {
  readonly tags: readonly QuayTag[]
  readonly isLast: boolean
}

/** Undefined where it is no such page. Entries that make no sense are left out. */
export function parseQuayPage(body: Buffer): QuayPage | undefined {
  const { tags, has_additional } = parseObject(body) ?? {}
  if (!Array.isArray(tags)) return undefined
  const listed = (tags as readonly unknown[]).flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null) return []
    const { name, manifest_digest, start_ts } = entry as Readonly<Record<string, unknown>>
    if (typeof name !== 'string' || !isTag(name) || !isDigest(manifest_digest)) return []
    const pushedAt = typeof start_ts === 'number' && Number.isFinite(start_ts) ? start_ts * 1000 : undefined
    return [{ name, digest: manifest_digest, pushedAt }]
  })
  return { tags: listed, isLast: has_additional !== true || tags.length === 0 }
}

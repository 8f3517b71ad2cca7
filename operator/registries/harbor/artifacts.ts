/** Harbor's artifacts with their tags (goharbor/harbor, api/v2.0/swagger.yaml, `getArtifact` and `listArtifacts`). */

import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import { isTag } from '../../images/reference.ts'

export interface Artifact {
  readonly digest: Digest
  readonly tags: readonly {
    readonly name: string
    /** Milliseconds since the epoch. */
    readonly pushedAt: number | undefined
  }[]
}

/** Undefined where it is none. Tags that make no sense are left out. */
export const parseArtifact = (body: Buffer): Artifact | undefined => artifactOf(parsed(body))

export interface ArtifactPage {
  readonly artifacts: readonly Artifact[]
  /** How many Harbor listed. */
  readonly length: number
}

/** Undefined where it is no such page. Entries that make no sense are left out. */
export function parseArtifacts(body: Buffer): ArtifactPage | undefined {
  const list = parsed(body)
  if (!Array.isArray(list)) return undefined
  return { artifacts: list.flatMap((entry) => artifactOf(entry) ?? []), length: list.length }
}

function artifactOf(entry: unknown): Artifact | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const { digest, tags, push_time } = entry as Readonly<Record<string, unknown>>
  if (!isDigest(digest)) return undefined
  // An artifact without tags has null there.
  const listed: readonly unknown[] = Array.isArray(tags) ? tags : []
  const found = listed.flatMap((tag) => {
    if (typeof tag !== 'object' || tag === null) return []
    const { name, push_time: moved } = tag as Readonly<Record<string, unknown>>
    if (typeof name !== 'string' || !isTag(name)) return []
    return [{ name, pushedAt: timeOf(moved) ?? timeOf(push_time) }]
  })
  return { digest, tags: found }
}

/** Go's zero time stands for none. */
function timeOf(text: unknown): number | undefined {
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return time > 0 ? time : undefined
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

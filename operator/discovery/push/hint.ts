import { partsOf } from '../../images/image.ts'
import { isTag, type Repository } from '../../images/reference.ts'

/** Somebody else's claim that something was pushed. It only asks for a poll: nothing in it is trusted. */
export interface PushHint {
  readonly repository: Repository
  /** Absent: any tag of the repository may have moved. A policy chooses among the tags, so any tag concerns it. */
  readonly tag?: string | undefined
  /** Also the repositories whose path continues after a slash, like those of a GitLab project. */
  readonly below?: boolean | undefined
}

/**
 * @param image e.g. `registry.example.com/shop/web:env-prod`
 * @returns undefined if it names no tag and no repository
 */
export function hintOfImage(image: string): PushHint | undefined {
  const parts = partsOf(image)
  if (parts === undefined) return undefined
  const { repository, tag, digest } = parts
  if (tag !== undefined) return { repository, tag }
  // A push by digest alone moves no tag.
  return digest === undefined ? { repository } : undefined
}

/** @param name a repository with its host, e.g. `registry.example.com/shop/web` */
export function hintOf(name: string, tag?: string): PushHint | undefined {
  const hint = hintOfImage(name)
  if (hint === undefined || hint.tag !== undefined) return undefined
  if (tag === undefined) return hint
  return isTag(tag) ? { ...hint, tag } : undefined
}

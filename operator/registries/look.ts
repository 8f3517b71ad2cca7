/** One look at a followed tag: its digest, and the version of each view where that is new. */
import type { Versions } from '../versions/version.ts'
import { type Followed, type LookError, lastVersion, type View } from './followed.ts'
import {
  asLookError,
  failed,
  failedLook,
  type LookOutcome,
  type LookResult,
  offer,
  retryAfterOf,
} from './look-result.ts'
import { lookThroughTags } from './look-through-tags.ts'
import type { Access, Registry, Repository } from './registry.ts'

export type { LookOutcome, LookResult } from './look-result.ts'

const nothingNew: LookResult = { outcome: 'unchanged', news: [] }

/** Never throws but for the signal; a failure is what its followers are offered. */
export async function look(
  followed: Followed,
  registryFor: (repository: Repository) => Registry,
  versions: Versions,
  access: Access,
): Promise<LookResult> {
  const { repository, tag, policy } = followed.target
  if (policy !== undefined) return await lookThroughTags(followed, policy.needs, registryFor, access)
  const before = followed.digest
  let registry: Registry
  try {
    registry = registryFor(repository)
    followed.digest = await registry.resolve(repository, tag, access, before)
  } catch (error) {
    return failedLook(followed, error, access)
  }
  const stale = followed.stale()
  if (stale.length === 0) return nothingNew
  const outcome = followed.digest === before ? 'unchanged' : 'changed'
  return await findVersions(followed, stale, outcome, registry, versions, access)
}

async function findVersions(
  followed: Followed,
  stale: readonly View[],
  outcome: LookOutcome,
  registry: Registry,
  versions: Versions,
  access: Access,
): Promise<LookResult> {
  const { repository, tag } = followed.target
  const news: View[] = []
  let failure: LookError | undefined
  for (const view of stale) {
    const { digest } = followed
    const { versionSyntax } = view.wanted
    if (digest === undefined || tag === undefined || versionSyntax === undefined) break
    const version = lastVersion(view.offer) ?? view.remembered
    try {
      const known = version?.digest === digest ? version : undefined
      const found = known ?? (await versions.find({ registry, repository, tag, digest, versionSyntax, access }))
      if (offer(view, { state: 'known', version: found })) news.push(view)
    } catch (error) {
      failure = asLookError(error, followed, access)
      if (offer(view, failed(view, failure))) news.push(view)
    }
  }
  if (failure === undefined) return { outcome, news }
  return { outcome: 'failed', news, retryAfterMs: retryAfterOf(failure) }
}

/** One look at a followed tag: its digest, and the version of each view where that is new. */

import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { currentCredentials } from '../../registries/credentials/credential-source.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import type { Ahead, Versions } from '../versions/version.ts'
import { type Followed, type LookError, lastVersion, type View } from './followed.ts'
import { lookThroughTags } from './poll-policies.ts'
import {
  asLookError,
  failed,
  failedLook,
  type LookOutcome,
  type LookResult,
  offer,
  retryAfterOf,
} from './poll-result.ts'

export type { LookOutcome, LookResult } from './poll-result.ts'

const nothingNew: LookResult = { outcome: 'unchanged', news: [] }

export interface LookWith {
  readonly registryFor: (repository: Repository) => Registry
  readonly versions: Versions
  /** Tags that hints have claimed to point at a digest. */
  readonly claimed: (digest: Digest) => readonly string[]
  /** Called once, as soon as something new is likely to be offered. */
  readonly coming: () => void
}

/** Never throws but for the signal; a failure is what its followers are offered. */
export async function look(
  followed: Followed,
  request: Omit<Access, 'credentials'>,
  using: LookWith,
): Promise<LookResult> {
  let access: Access
  try {
    access = { ...request, credentials: await currentCredentials(followed.target.credentials, request.signal) }
  } catch (error) {
    return failedLook(followed, error, request)
  }
  const { registryFor, versions, coming } = using
  const { repository, tag, policy } = followed.target
  const { expected, digest: before } = followed
  followed.expected = undefined
  if (policy !== undefined) return await lookThroughTags(followed, policy.needs, registryFor, access)
  const announced = before !== undefined && expected !== undefined && expected !== before ? expected : undefined
  if (announced !== undefined) coming()
  let registry: Registry
  let ahead: Ahead | undefined
  try {
    registry = registryFor(repository)
    const resolved = registry.resolve(repository, tag, access, before)
    ahead = announced && readAhead(followed, announced, registry, access, using)
    followed.digest = await resolved
  } catch (error) {
    return failedLook(followed, error, access)
  }
  const stale = followed.stale()
  if (stale.length === 0) return nothingNew
  const moved = followed.digest !== before
  if (moved && announced === undefined && before !== undefined) coming()
  return await findVersions(followed, stale, moved ? 'changed' : 'unchanged', registry, versions, access, ahead)
}

/** A webhook names the digest: what the search for its version begins with is read beside the look that proves it. */
function readAhead(
  { target, views }: Followed,
  digest: Digest,
  registry: Registry,
  access: Access,
  { versions, claimed }: LookWith,
): Ahead | undefined {
  const { repository, tag = '' } = target
  const syntaxes = views.flatMap(({ wanted }) => wanted.versionSyntax ?? [])
  return versions.readAhead?.({ registry, repository, tag, digest, access }, claimed(digest), syntaxes)
}

async function findVersions(
  followed: Followed,
  stale: readonly View[],
  outcome: LookOutcome,
  registry: Registry,
  versions: Versions,
  access: Access,
  ahead: Ahead | undefined,
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
      const found = known ?? (await versions.find({ registry, repository, tag, digest, versionSyntax, access, ahead }))
      if (offer(view, { state: 'known', version: found })) news.push(view)
    } catch (error) {
      failure = asLookError(error, followed, access)
      if (offer(view, failed(view, failure))) news.push(view)
    }
  }
  if (failure === undefined) return { outcome, news }
  return { outcome: 'failed', news, retryAfterMs: retryAfterOf(failure) }
}

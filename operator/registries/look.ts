/** One look at a followed tag: its digest, and the version of each view where that is new. */
import { messageOf, NeedsChangeError, TransientError } from '../errors.ts'
import type { Versions } from '../versions/version.ts'
import { type Followed, type LookError, lastVersion, sameOffer, type View } from './followed.ts'
import type { Offer } from './following.ts'
import type { Access, Registry, Repository } from './registry.ts'

export type LookOutcome = 'unchanged' | 'changed' | 'failed'

export interface LookResult {
  readonly outcome: LookOutcome
  /** Views with something new in them. */
  readonly news: readonly View[]
  readonly retryAfterMs?: number | undefined
}

const nothingNew: LookResult = { outcome: 'unchanged', news: [] }

/** Never throws but for the signal; a failure is what its followers are offered. */
export async function look(
  followed: Followed,
  registryFor: (repository: Repository) => Registry,
  versions: Versions,
  access: Access,
): Promise<LookResult> {
  const { repository, tag } = followed.target
  const before = followed.digest
  let registry: Registry
  try {
    registry = registryFor(repository)
    followed.digest = await registry.resolve(repository, tag, access, before)
  } catch (error) {
    const failure = asLookError(error, followed, access)
    const news = followed.views.filter((view) => offer(view, failed(view, failure)))
    return { outcome: 'failed', news, retryAfterMs: retryAfterOf(failure) }
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
    if (digest === undefined) break
    const version = lastVersion(view.offer)
    try {
      const known = version?.digest === digest ? version : undefined
      const { versionSyntax } = view
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

function offer(view: View, next: Offer): boolean {
  if (sameOffer(view.offer, next)) return false
  view.offer = next
  return true
}

const failed = (view: View, error: LookError): Offer => ({ state: 'failed', error, version: lastVersion(view.offer) })

const retryAfterOf = (error: LookError): number | undefined =>
  error instanceof TransientError ? error.retryAfterMs : undefined

/** An error of no known class is a defect of ours: said as such, tried again, and the process goes on. */
function asLookError(error: unknown, { target }: Followed, { signal }: Access): LookError {
  if (signal?.aborted) throw error
  if (error instanceof TransientError || error instanceof NeedsChangeError) return error
  const { repository, tag } = target
  return new TransientError(
    'InternalError',
    `looking at tag ${tag} of ${repository.host}/${repository.path} failed within cvmanager: ${messageOf(error)}. It is tried again; please report it.`,
    { cause: error },
  )
}

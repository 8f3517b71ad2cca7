/** One poll: the digests of the followed tags, and a version for each digest that is new. */
import type { Repository } from '../../images/reference.ts'
import { withCredentials } from '../../registries/credentials/credential-source.ts'
import type { Access, Registry, ResolvedTags } from '../../registries/registry.ts'
import { lastVersion, type Version } from '../target.ts'
import { describeImage, notAnImage, tagRemedy } from '../versions/image-check.ts'
import type { VersionQuery, Versions } from '../versions/version.ts'
import { pollPolicies } from './poll-policies.ts'
import {
  asPollError,
  failedPoll,
  type PollError,
  type PollRequest,
  type PollResult,
  retryAfterOf,
  setFailed,
  setOffer,
} from './poll-result.ts'
import type { PolledTarget, View } from './polled-target.ts'

export interface PollDeps {
  readonly registryFor: (repository: Repository) => Registry
  readonly versions: Versions
}

/**
 * Throws only if the signal fires. Followers are offered every other failure.
 * @param views those of the target's views that this poll is for
 */
export async function poll(
  target: PolledTarget,
  views: readonly View[],
  request: PollRequest,
  { registryFor, versions }: PollDeps,
): Promise<PollResult> {
  const { kind, repository } = target
  let registry: Registry
  let resolved: { readonly found: ResolvedTags; readonly access: Access } | PollResult
  try {
    registry = registryFor(repository)
    resolved = await withCredentials(target.credentials, request.signal, async (credentials) => {
      const access = { ...request, credentials }
      if (kind !== 'batch' && kind !== 'tag') return await pollPolicies(target, kind, registry, access)
      return { found: await resolve(target, views, registry, access), access }
    })
  } catch (error) {
    return failedPoll(target, views, error, request)
  }
  if ('outcome' in resolved) return resolved
  const { found, access } = resolved
  const news: View[] = []
  const failures: PollError[] = []
  let moved = false

  const settle = async (view: View): Promise<void> => {
    const { selector } = view
    const tagged = found.get(selector.tag ?? '')
    if (selector.policy !== undefined || tagged === undefined) return
    try {
      if (tagged instanceof Error) throw tagged
      const { digest, aliases } = tagged
      moved ||= digest !== view.digest
      view.digest = digest
      const last = lastVersion(view.offer) ?? view.remembered
      const { tag, versionSyntax } = selector
      const query = { registry, repository, tag, digest, versionSyntax, access, aliases }
      const version = last?.digest === digest ? last : await versionOf(query, versions)
      if (setOffer(view, { state: 'known', version })) news.push(view)
    } catch (thrown) {
      const error = asPollError(thrown, target, access)
      if (setFailed(view, error)) news.push(view)
      // A tag that points at something else than an image is an answer, and not a failure of the poll.
      if (error.reason !== notAnImage) failures.push(error)
    }
  }
  await Promise.all(views.filter((view) => !isUnchanged(view, found)).map(settle))
  // A failure for one tag is no reason to poll the others less often.
  const [failure] = failures
  if (failure !== undefined && failures.length === views.length) {
    return { outcome: 'failed', news, retryAfterMs: retryAfterOf(failure) }
  }
  return { outcome: moved ? 'changed' : 'unchanged', news }
}

async function resolve(
  { repository }: PolledTarget,
  views: readonly View[],
  registry: Registry,
  access: Access,
): Promise<ResolvedTags> {
  if (registry.resolveAll !== undefined) {
    const tags = new Set(views.flatMap(({ selector }) => selector.tag ?? []))
    return await registry.resolveAll(repository, [...tags], access)
  }
  const [view] = views
  const tag = view?.selector.tag ?? ''
  return new Map([[tag, { digest: await registry.resolve(repository, tag, access, view?.digest) }]])
}

async function versionOf(query: VersionQuery, versions: Versions): Promise<Version> {
  await describeImage(query, query.digest, `tag ${query.tag}`, tagRemedy)
  return await versions.find(query)
}

function isUnchanged({ selector, offer }: View, found: ResolvedTags): boolean {
  const tagged = found.get(selector.tag ?? '')
  if (tagged === undefined || tagged instanceof Error) return false
  return offer.state === 'known' && offer.version.digest === tagged.digest
}

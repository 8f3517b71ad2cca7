/** One poll for all policies of a repository: one list of its tags, and one conditional HEAD for each chosen tag. */
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import type { OlderTagsUnread } from '../../registries/failures.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import type { Choice, Listing, TagPolicy } from '../tag-policy.ts'
import { lastVersion } from '../target.ts'
import { describeImage, notAnImage, policyRemedy } from '../versions/image-check.ts'
import { asPollError, type PollError, type PollResult, retryAfterOf, setFailed, setOffer } from './poll-result.ts'
import type { PolledTarget, View } from './polled-target.ts'
import { listTags } from './tag-list.ts'

/** @throws whatever the registry throws for the list */
export async function pollPolicies(
  target: PolledTarget,
  needs: TagPolicy['needs'],
  registry: Registry,
  access: Access,
): Promise<PollResult> {
  const { repository, listDigest: before } = target
  const eligible = () => {
    const tests = target.views.flatMap(({ selector: { policy } }) => policy?.eligible() ?? [])
    return (tag: string): boolean => tests.some((test) => test(tag))
  }
  const { listing, digest: listDigest, unread } = await listTags(registry, repository, needs, access, eligible)
  target.listDigest = listDigest
  const sameList = listDigest === before
  /** Each tag is resolved once, however many policies choose it. */
  const digests = new Map<string, Promise<Digest>>()
  const failures: PollError[] = []
  const news: View[] = []

  const settle = async (view: View): Promise<void> => {
    try {
      const choice = await choiceOf(view, listing, sameList)
      if (choice.tag === undefined) throw noTagFits(repository, choice.reason, unread)
      const last = lastVersion(view.offer) ?? view.remembered
      const known = last?.name === choice.tag ? last.digest : undefined
      const resolving = digests.get(choice.tag) ?? resolveListed(registry, repository, choice.tag, access, known)
      digests.set(choice.tag, resolving)
      const digest = await resolving
      if (setOffer(view, { state: 'known', version: { digest, name: choice.tag, source: 'policy' } })) news.push(view)
    } catch (thrown) {
      const error = asPollError(thrown, target, access)
      if (setFailed(view, error)) news.push(view)
      // These are answers, and not failures of the poll.
      if (error.reason !== noneFits && error.reason !== notAnImage) failures.push(error)
    }
  }
  await Promise.all([...target.views].map(settle))
  const [failure] = failures
  if (failure !== undefined) return { outcome: 'failed', news, retryAfterMs: retryAfterOf(failure) }
  return { outcome: sameList && news.length === 0 ? 'unchanged' : 'changed', news }
}

/** A policy chooses the same tag from the same list. */
async function choiceOf({ selector: { policy }, offer }: View, listing: Listing, sameList: boolean): Promise<Choice> {
  if (policy === undefined) return { tag: undefined, reason: 'it has no policy' }
  if (sameList && offer.state === 'known') return { tag: offer.version.name }
  return await policy.choose(listing)
}

/** @throws NeedsChangeError `NotAnImage`, and whatever the registry throws; but a listed tag without an image is a passing fault */
async function resolveListed(
  registry: Registry,
  repository: Repository,
  tag: string,
  access: Access,
  known: Digest | undefined,
): Promise<Digest> {
  try {
    const digest = await registry.resolve(repository, tag, access, known)
    const what = `tag ${tag}, which spec.policy chooses,`
    if (digest !== known) await describeImage({ registry, repository, access }, digest, what, policyRemedy)
    return digest
  } catch (error) {
    if (!(error instanceof NeedsChangeError) || error.reason !== 'TagNotFound') throw error
    throw new TransientError(
      'TagNotFound',
      `${repositoryName(repository)} lists the tag ${tag}, which spec.policy chooses, but does not have its image. cvmanager lists the tags again; if this lasts, delete that tag or leave it out by spec.policy.filter.`,
      { cause: error },
    )
  }
}

const noneFits = 'NoTagFits'

const noTagFits = (repository: Repository, reason: string, unread: OlderTagsUnread | undefined): NeedsChangeError =>
  new NeedsChangeError(
    noneFits,
    `spec.policy finds no version in ${repositoryName(repository)}: ${reason}. Push a tag that fits, or correct spec.policy.${unread ? ` An older tag may fit: ${unread.message}` : ''}`,
  )

/**
 * One look at a repository's tags for all policies that choose among them: one list, and one conditional HEAD for each
 * tag that is chosen.
 */
import { NeedsChangeError, TransientError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import type { Choice, Listing, TagPolicy } from '../tag-policy.ts'
import { type Followed, type LookError, lastVersion, type View } from './followed.ts'
import { asLookError, failed, failedLook, type LookResult, offer, retryAfterOf } from './poll-result.ts'
import { listTags } from './tag-list.ts'

export async function lookThroughTags(
  followed: Followed,
  needs: TagPolicy['needs'],
  registryFor: (repository: Repository) => Registry,
  access: Access,
): Promise<LookResult> {
  const { repository } = followed.target
  const before = followed.digest
  let registry: Registry
  let listing: Listing
  try {
    registry = registryFor(repository)
    const list = await listTags(registry, repository, needs, access)
    listing = list.listing
    followed.digest = list.digest
  } catch (error) {
    return failedLook(followed, error, access)
  }
  const sameList = followed.digest === before
  const heads = new Heads(registry, repository, access)
  const failures: LookError[] = []
  const news: View[] = []

  const settle = async (view: View): Promise<void> => {
    try {
      const choice = await choiceOf(view, listing, sameList)
      if (choice.tag === undefined) throw noTagFits(repository, choice.reason)
      const digest = await heads.resolve(choice.tag, lastVersion(view.offer))
      if (offer(view, { state: 'known', version: { digest, name: choice.tag, source: 'policy' } })) news.push(view)
    } catch (thrown) {
      const error = asLookError(thrown, followed, access)
      if (offer(view, failed(view, error))) news.push(view)
      // That no tag fits is an answer. Others who choose among these tags are not to wait for it.
      if (error.reason !== noneFits) failures.push(error)
    }
  }
  await Promise.all([...followed.views].map(settle))
  const [failure] = failures
  if (failure !== undefined) return { outcome: 'failed', news, retryAfterMs: retryAfterOf(failure) }
  return { outcome: sameList && news.length === 0 ? 'unchanged' : 'changed', news }
}

/** Of the same list, the choice is the same. */
async function choiceOf({ wanted: { policy }, offer }: View, listing: Listing, sameList: boolean): Promise<Choice> {
  if (policy === undefined) return { tag: undefined, reason: 'it has no policy' }
  if (sameList && offer.state === 'known') return { tag: offer.version.name }
  return await policy.choose(listing)
}

/** Each tag is asked for once, however many policies have chosen it. */
class Heads {
  readonly #registry: Registry
  readonly #repository: Repository
  readonly #access: Access
  readonly #asked = new Map<string, Promise<Digest>>()

  constructor(registry: Registry, repository: Repository, access: Access) {
    this.#registry = registry
    this.#repository = repository
    this.#access = access
  }

  resolve(tag: string, last: { readonly name: string; readonly digest: Digest } | undefined): Promise<Digest> {
    const asked = this.#asked.get(tag) ?? this.#resolve(tag, last?.name === tag ? last.digest : undefined)
    this.#asked.set(tag, asked)
    return asked
  }

  async #resolve(tag: string, known: Digest | undefined): Promise<Digest> {
    try {
      return await this.#registry.resolve(this.#repository, tag, this.#access, known)
    } catch (error) {
      if (!(error instanceof NeedsChangeError) || error.reason !== 'TagNotFound') throw error
      throw new TransientError(
        'TagNotFound',
        `${repositoryName(this.#repository)} lists the tag ${tag}, which spec.policy chooses, and does not have its image. The tags are listed again; if it lasts, delete that tag or leave it out by spec.policy.filter.`,
        { cause: error },
      )
    }
  }
}

const noneFits = 'NoTagFits'

const noTagFits = (repository: Repository, reason: string): NeedsChangeError =>
  new NeedsChangeError(
    noneFits,
    `spec.policy finds no version in ${repositoryName(repository)}: ${reason}. Push a tag that fits, or correct spec.policy.`,
  )

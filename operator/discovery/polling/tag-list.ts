/** All tags of a repository, for policies. */
import { createHash } from 'node:crypto'
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { OlderTagsUnread } from '../../registries/failures.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import { Slices } from '../../time/slices.ts'
import type { Listing, TagPolicy } from '../tag-policy.ts'

/** Listing more every interval would burden the registry, and a part of the tags would lead to a wrong choice. */
const maxTags = 100_000

type Page = Iterable<readonly [tag: string, pushed: number | undefined]>

/**
 * @param eligible called once a list is too long: then only the tags count that pass the test
 * @returns the list, a digest that differs from that of any other list, and why older tags are not in it
 * @throws NeedsChangeError `PolicyNotSupported`, `TooManyTags`, and whatever the registry throws
 */
export async function listTags(
  registry: Registry,
  repository: Repository,
  needs: TagPolicy['needs'],
  access: Access,
  eligible: TagPolicy['eligible'] = () => () => true,
): Promise<{ readonly listing: Listing; readonly digest: Digest; readonly unread?: OlderTagsUnread | undefined }> {
  const listing = new Map<string, number | undefined>()
  const hash = createHash('sha256')
  let keep: ((tag: string) => boolean) | undefined
  /** One of the tags that were left out, since a message may need an example. */
  let other: string | undefined
  const add = async (page: Page): Promise<void> => {
    for (const [tag, pushed] of page) {
      hash.update(`${tag} ${pushed}\n`)
      if (keep === undefined || keep(tag)) listing.set(tag, pushed)
    }
    if (listing.size <= maxTags) return
    if (keep === undefined) {
      keep = eligible()
      other = await leaveOut(listing, keep)
    }
    if (listing.size > maxTags) throw tooManyTags(repository)
  }
  let unread: OlderTagsUnread | undefined
  try {
    for await (const page of pages(registry, repository, needs, access)) await add(page)
  } catch (error) {
    if (!(error instanceof OlderTagsUnread)) throw error
    unread = error
  }
  if (other !== undefined) listing.set(other, undefined)
  return { listing, digest: `sha256:${hash.digest('hex')}`, unread }
}

/** @returns the last tag that is left out */
async function leaveOut(listing: Map<string, unknown>, keep: (tag: string) => boolean): Promise<string | undefined> {
  let last: string | undefined
  const slices = new Slices()
  for (const tag of listing.keys()) {
    if (!keep(tag)) {
      listing.delete(tag)
      last = tag
    }
    if (slices.counts()) await slices.next()
  }
  return last
}

async function* pages(
  registry: Registry,
  repository: Repository,
  needs: TagPolicy['needs'],
  access: Access,
): AsyncIterable<Page> {
  if (needs === 'tags') {
    for await (const page of registry.tags(repository, access)) yield page.map((tag) => [tag, undefined] as const)
  } else {
    if (registry.pushTimes === undefined) throw notSupported(registry, repository)
    yield* registry.pushTimes(repository, access)
  }
}

const notSupported = ({ kind }: Registry, { host }: Repository): NeedsChangeError =>
  new NeedsChangeError(
    'PolicyNotSupported',
    `the registry ${host} (${kind}) does not report when a tag was pushed, so spec.policy.newest cannot be used with it. Use spec.policy.numeric, calendar or semver with tags that carry a build number, a date or a version, or follow a moving tag by spec.tag.`,
  )

const tooManyTags = (repository: Repository): NeedsChangeError =>
  new NeedsChangeError(
    'TooManyTags',
    `${repositoryName(repository)} has more than ${maxTags} tags that spec.policy may choose, which is more than it can choose among. Name fewer by spec.policy.filter, delete old tags, for example with a retention rule of the registry, or follow a moving tag by spec.tag.`,
  )

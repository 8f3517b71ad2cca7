/** All tags of a repository, for policies. */
import { createHash } from 'node:crypto'
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import type { Access, Registry } from '../../registries/registry.ts'
import type { Listing, TagPolicy } from '../tag-policy.ts'

/** Listing more every interval would burden the registry, and a part of the tags would lead to a wrong choice. */
const maxTags = 100_000

/**
 * @returns the list, and a digest that differs from that of any other list
 * @throws NeedsChangeError `PolicyNotSupported`, `TooManyTags`, and whatever the registry throws
 */
export async function listTags(
  registry: Registry,
  repository: Repository,
  needs: TagPolicy['needs'],
  access: Access,
): Promise<{ readonly listing: Listing; readonly digest: Digest }> {
  const listing = new Map<string, number | undefined>()
  const hash = createHash('sha256')
  for await (const page of pages(registry, repository, needs, access)) {
    for (const [tag, pushed] of page) {
      listing.set(tag, pushed)
      hash.update(`${tag} ${pushed}\n`)
    }
    if (listing.size > maxTags) throw tooManyTags(repository)
  }
  return { listing, digest: `sha256:${hash.digest('hex')}` }
}

async function* pages(
  registry: Registry,
  repository: Repository,
  needs: TagPolicy['needs'],
  access: Access,
): AsyncIterable<Iterable<readonly [string, number | undefined]>> {
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
    `${repositoryName(repository)} has more than ${maxTags} tags, which is more than a policy can choose among. Delete old tags, for example with a retention rule of the registry, or follow a moving tag by spec.tag.`,
  )

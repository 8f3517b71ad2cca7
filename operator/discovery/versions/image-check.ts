import { NeedsChangeError } from '../../errors.ts'
import { type Digest, shortDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import type { Access, Described, Registry } from '../../registries/registry.ts'

interface Place {
  readonly registry: Registry
  readonly repository: Repository
  readonly access: Access
}

export const notAnImage = 'NotAnImage'

/**
 * What kind of image it is. Once for each digest, before it is offered as a version: a tag may as well point at a chart, a
 * signature or a cache.
 * @param what it is there: `tag env-prod`
 * @param remedy the end of the message
 * @throws NeedsChangeError `NotAnImage`, and whatever the registry throws
 */
export async function describeImage(
  { registry, repository, access }: Place,
  digest: Digest,
  what: string,
  remedy: string,
): Promise<Described> {
  const described = await registry.describe(repository, digest, access)
  if (described.noImage === undefined) return described
  throw new NeedsChangeError(
    notAnImage,
    `${what} of repository ${repository.path} at the registry ${repository.host} points at ${shortDigest(digest)}, which is no container image: ${described.noImage}. The workloads are unchanged. ${remedy}`,
  )
}

export const tagRemedy = 'Point the tag at an image, or correct spec.imageRepo or spec.tag.'
export const policyRemedy = 'Leave that tag out by spec.policy.filter, or delete it.'

/** The contract of an image registry. The contract suite runs over every implementation. */
import type { NeedsChangeError } from '../errors.ts'
import type { Digest } from '../images/digest.ts'
import type { Repository } from '../images/reference.ts'

export type Credentials = (
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, `identitytoken` in a Docker config file. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** For AWS's own APIs. */
  | {
      readonly kind: 'aws'
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly sessionToken?: string | undefined
    }
) & {
  /** The cloud identity that was used, or that could not be used if the credentials are anonymous. */
  readonly identity?: CloudIdentity | undefined
}

export interface CloudIdentity {
  /** Stays the same when the credentials are renewed, and belongs to one tenant: `service account shop/reader`. */
  readonly name: string
  /** One or more sentences for those whom the registry refuses: which identity was used, and what it needs. */
  readonly remedy: string
}

export const anonymous: Credentials = { kind: 'anonymous' }

export interface Access {
  readonly credentials: Credentials
  readonly signal?: AbortSignal | undefined
  /** Somebody waits for the answer, so the request goes before regular polls. */
  readonly urgent?: boolean | undefined
}

/** The labels of an image's config, and the annotations of its manifest or index. */
export type Labels = Readonly<Record<string, string>>

export interface Registry {
  /** As in `--provider`: `oci`, `ecr`, `dockerhub`, … */
  readonly kind: string

  /**
   * The digest of the manifest or index that a tag points at, and of nothing else. Transfers headers only, if the registry
   * names digest and media type in them.
   * @param known the digest of the last poll, for a conditional request
   * @throws NeedsChangeError `TagNotFound`, `RegistryAccessDenied`, `RegistryAddressForbidden`; TransientError `RegistryUnavailable`, `RegistryThrottled`, `RegistryAnswerInvalid`
   */
  resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest>

  /**
   * The same for many tags; absent if the registry takes one tag in a request.
   * @returns an answer for each tag. A tag that is missing has an error, and fails none of the others.
   * @throws as `resolve`, for what concerns all of them
   */
  resolveAll?(repository: Repository, tags: readonly string[], access: Access): Promise<ResolvedTags>

  /** The repository's tags, page by page, in the registry's order. Bounded by the registry's own page size. */
  tags(repository: Repository, access: Access): AsyncIterable<readonly string[]>

  /**
   * The tags on an image. The method is absent, or returns undefined for these credentials or at this moment, if they
   * have to be searched for among `tags`.
   */
  aliases?(repository: Repository, digest: Digest, access: Access): Promise<Aliases | undefined>

  /**
   * When tags were pushed, in milliseconds since the epoch; absent if the registry does not report it.
   * @throws OlderTagsUnread after the tags that were pushed last, if there are more than are read
   */
  pushTimes?(repository: Repository, access: Access): AsyncIterable<ReadonlyMap<string, number>>

  /** Labels and annotations of an image; of an index, also those of its first image. */
  labels(repository: Repository, digest: Digest, access: Access): Promise<Labels>

  /**
   * What kind of image it is.
   * @throws NeedsChangeError `ImageNotFound`, `RegistryAccessDenied`; TransientError as `resolve`
   */
  describe(repository: Repository, digest: Digest, access: Access): Promise<Described>

  /**
   * Points a tag at an image of the repository, moving no layers; an index is tagged whole.
   * @throws NeedsChangeError `ImageNotFound`, `TagImmutable`, `RegistryAccessDenied`; TransientError as `resolve`
   */
  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged>

  /**
   * Removes a tag, and neither the image nor its other tags.
   * @throws NeedsChangeError `UntagNotSupported` if the registry cannot remove only the tag, `RegistryAccessDenied`; TransientError as `resolve`
   */
  untag(repository: Repository, tag: string, access: Access): Promise<Untagged>

  /**
   * What `untag` would do, without changing anything; absent if only the registry itself can say. Does not check rights.
   * @param before tags that would already be removed
   * @throws as `untag`
   */
  wouldUntag?(repository: Repository, tag: string, access: Access, before: readonly string[]): Promise<Untagged>
}

export interface Aliases {
  readonly tags: readonly string[]
  /** False if only the tags that were pushed last were read: older ones may be on the image, too. */
  readonly isComplete: boolean
}

export type ResolvedTags = ReadonlyMap<string, ResolvedTag | NeedsChangeError>

export interface ResolvedTag {
  readonly digest: Digest
  /** All tags on the image, if the answer has them. */
  readonly aliases?: readonly string[] | undefined
}

export interface Described {
  readonly mediaType: string | undefined
  /** The platforms of a multi-architecture image: `linux/amd64`, `linux/arm/v7`, …; empty for a single one. */
  readonly platforms: readonly string[]
  /** Why it is no image and no index of images, as the rest of a sentence: `its config is of type …`. */
  readonly noImage?: string
}

export type Tagged = 'added' | 'moved' | 'unchanged'
export type Untagged = 'removed' | 'absent'

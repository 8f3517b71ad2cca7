/** What cvmanager asks of an image registry. One file each implements it; the contract suite runs over all of them. */
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
  /** Goes before what is merely due: somebody waits for the answer. */
  readonly urgent?: boolean | undefined
}

/** What an image says of itself: the labels of its config, and the annotations of its manifest or index. */
export type Labels = Readonly<Record<string, string>>

export interface Registry {
  /** As in `--provider`: `oci`, `ecr`, `dockerhub`, … */
  readonly kind: string

  /**
   * Whether one question answers for many tags of a repository: its targets are then asked for at the same moment, and the
   * registry puts the questions that come together into one.
   */
  readonly batches?: boolean

  /**
   * The digest that a tag points at; of an index, the index's own. Moves headers only.
   * @param known the digest of the last time, for a conditional request
   * @throws NeedsChangeError `TagNotFound`, `RegistryAccessDenied`, `RegistryAddressForbidden`; TransientError `RegistryUnavailable`, `RegistryThrottled`, `RegistryAnswerInvalid`
   */
  resolve(repository: Repository, tag: string, access: Access, known?: Digest): Promise<Digest>

  /** The repository's tags, page by page, in the registry's order. Bounded by the registry's own page size. */
  tags(repository: Repository, access: Access): AsyncIterable<readonly string[]>

  /**
   * All tags on an image, where the registry can tell them at once; absent, or undefined for these credentials or at this
   * moment, where they have to be searched among `tags`.
   */
  aliases?(repository: Repository, digest: Digest, access: Access): Promise<readonly string[] | undefined>

  /** When tags were pushed, where the registry knows it, in milliseconds since the epoch. */
  pushTimes?(repository: Repository, access: Access): AsyncIterable<ReadonlyMap<string, number>>

  /** Labels and annotations of an image; of an index, its annotations and those of its first image. */
  labels(repository: Repository, digest: Digest, access: Access): Promise<Labels>

  /**
   * What kind of image it is, where the registry can tell; absent where it cannot.
   * @throws NeedsChangeError `ImageNotFound`, `RegistryAccessDenied`; TransientError as `resolve`
   */
  describe?(repository: Repository, digest: Digest, access: Access): Promise<Described>

  /**
   * Points a tag at an image of the repository, moving no layers; an index is tagged whole.
   * @throws NeedsChangeError `ImageNotFound`, `TagImmutable`, `RegistryAccessDenied`; TransientError as `resolve`
   */
  tag(repository: Repository, digest: Digest, tag: string, access: Access): Promise<Tagged>

  /**
   * Takes a tag off, and nothing else: neither the image nor its other tags.
   * @throws NeedsChangeError `UntagNotSupported` where the registry cannot do that alone, `RegistryAccessDenied`; TransientError as `resolve`
   */
  untag(repository: Repository, tag: string, access: Access): Promise<Untagged>

  /**
   * What `untag` would come to, as far as that is known without changing anything; absent where a registry tells only when
   * it is told to. Rights are not asked for.
   * @param before tags that would have been taken off by then
   * @throws as `untag`
   */
  wouldUntag?(repository: Repository, tag: string, access: Access, before: readonly string[]): Promise<Untagged>
}

export interface Described {
  readonly mediaType: string | undefined
  /** Of a multi-architecture image: `linux/amd64`, `linux/arm/v7`, …; empty for a single one. */
  readonly platforms: readonly string[]
}

export type Tagged = 'added' | 'moved' | 'unchanged'
export type Untagged = 'removed' | 'absent'

/** The commands that work on registries alone, as the command line calls them. */
import type { VersionPolicySpec } from '../../api/policy.ts'
import type { Settings } from '../../config/settings.ts'
import type { Version } from '../../discovery/target.ts'
import type { Digest } from '../../images/digest.ts'
import type { Reference } from '../../images/reference.ts'
import type { Credentials, Described, Tagged, Untagged } from '../../registries/registry.ts'
import type { FoundImage, WantedImage } from './image.ts'

export interface RegistryRequest {
  readonly settings: Settings
  /** The value of `--provider`; undefined: chosen by the repository's host. */
  readonly provider: string | undefined
  /** Used instead of the Docker config file. */
  readonly credentials: { readonly credentials: Credentials; readonly source: string } | undefined
  readonly signal: AbortSignal
}

export interface ImagesRequest extends RegistryRequest {
  readonly repositories: readonly Reference[]
  readonly version: WantedImage
}

export interface ChangesRequest extends RegistryRequest {
  readonly repositories: readonly Reference[]
  /** Undefined when tags are removed from whatever image they are on. */
  readonly version: WantedImage | undefined
  readonly tags: readonly string[]
  /** Report the changes without making them. */
  readonly dryRun: boolean
}

export interface TagRequest extends RegistryRequest {
  readonly image: Reference
  readonly versionSyntax: string
}

export interface PolicyRequest extends RegistryRequest {
  /** Without a tag or digest. */
  readonly image: Reference
  readonly policy: VersionPolicySpec
}

/** A failure in one repository, or of one tag in it. The other repositories and tags are still processed. */
export interface Problem {
  readonly repository: string
  readonly tag?: string | undefined
  /** As in a condition: `RegistryAccessDenied`, `TagImmutable`, … */
  readonly reason: string
  readonly message: string
  readonly notFound: boolean
}

export interface TaggedImage extends FoundImage {
  readonly repository: string
  readonly tags: readonly string[]
  /** False if the registry lists only the tags that were pushed last: older ones may be on the image, too. */
  readonly tagsComplete: boolean
}

export interface ImagesResult {
  readonly images: readonly TaggedImage[]
  readonly problems: readonly Problem[]
}

/** The outcome for one tag of one repository. */
export interface TagChange {
  readonly repository: string
  readonly tag: string
  /** `left`: the tag points at an image other than the one named, and was not removed. `failed`: see the problems. */
  readonly result: Tagged | Untagged | 'left' | 'failed'
  /** The digest that the tag points at; for a removed tag, the digest that it pointed at. */
  readonly digest?: Digest | undefined
  /** The previous digest of a moved tag. */
  readonly was?: Digest | undefined
  /** In a dry run, the condition that the change depends on. */
  readonly onlyIf?: string | undefined
}

export interface ChangesResult {
  readonly dryRun: boolean
  readonly changes: readonly TagChange[]
  readonly problems: readonly Problem[]
}

/** The version that the controller would find, and the reasons. */
export interface Resolved {
  /** The image in full, with its tag if there is one. */
  readonly image: string
  /** The image that workloads would get. */
  readonly workloadImage: string | undefined
  readonly digest: Digest | undefined
  readonly version: Version | undefined
  /** Undefined also if the registry does not provide it. */
  readonly described: Described | undefined
  /** Sentences for people, in the order of the decision. */
  readonly why: readonly string[]
  readonly provider: string
  readonly credentials: { readonly user: string | undefined; readonly source: string }
}

export interface ResolvedTag extends Resolved {
  readonly tag: string | undefined
  readonly digest: Digest
  readonly version: Version
  /** The other known tags on the image. */
  readonly aliases: readonly string[]
  /** False if there may be more: in a large repository only tags that could be a version are requested. */
  readonly aliasesComplete: boolean
}

export interface WeighedTag {
  readonly tag: string
  /** The tag, or the part of it that the filter extracts. */
  readonly compared: string
  /** The push time, if the policy needs it and the registry provides it. */
  readonly pushed?: string | undefined
}

/** `digest`, `version`, `described` and `workloadImage` are undefined if no tag fits. */
export interface ResolvedPolicy extends Resolved {
  readonly policy: VersionPolicySpec
  /** The tags that the policy chooses from, the best first. */
  readonly fitting: readonly WeighedTag[]
  /** The tags that pass the filter but do not fit the policy. */
  readonly unfit: readonly WeighedTag[]
  /** The tags that the filter refuses. */
  readonly refused: readonly string[]
}

export interface TagCommands {
  getTags(request: ImagesRequest): Promise<ImagesResult>
  /** Changes nothing in any repository if one of them lacks the version. */
  addTags(request: ChangesRequest): Promise<ChangesResult>
  /** Like `addTags`. */
  removeTags(request: ChangesRequest): Promise<ChangesResult>
  resolveTag(request: TagRequest): Promise<ResolvedTag>
  /** If no tag fits, that is a result and not a failure. */
  resolvePolicy(request: PolicyRequest): Promise<ResolvedPolicy>
}

/** What the commands need of the rest of the house; wiring.ts gives it, a test gives its own. */
import type { VersionPolicySpec } from '../api/policy.ts'
import type { WantedImage } from '../commands/tags/image.ts'
import type { ChangesAnswer, ImagesAnswer, ResolvedImage, ResolvedPolicy } from '../commands/tags/results.ts'
import type { Settings } from '../config/settings.ts'
import type { Reference } from '../images/reference.ts'
import type { Logger } from '../log/log.ts'
import type { Credentials } from '../registries/registry.ts'

/** A controller under way. */
export interface Running {
  /** Ends when it has stopped; fails when it cannot go on. */
  readonly done: Promise<void>
  /** Idempotent: finishes what must not be left half done, gives the Lease back. */
  stop(): Promise<void>
}

/** What one look at one ContainerVersion came to. */
export type FollowOutcome = 'UpToDate' | 'RolledOut' | 'RolledBack' | 'Failed' | 'Held'

export interface FollowRequest {
  readonly settings: Settings
  readonly namespace: string
  readonly name: string
  /** As in `--provider`; undefined: what the repository's host says. */
  readonly provider: string | undefined
  /** One look, and the rollout that comes of it to its end; else until `signal`. */
  readonly once: boolean
  /** Instead of pull secrets and the Docker config file. */
  readonly credentials?: Credentials | undefined
  readonly log: Logger
  readonly signal: AbortSignal
}

/** One container of one managed workload; the fields of the JSON that users of the first cvmanager read. */
export interface WorkloadVersion {
  readonly Namespace: string
  readonly Name: string
  readonly Type: string
  readonly Container: string
  readonly Version: string
  readonly AvailablePods: number
  readonly CV: string
  readonly Tag: string
  /** For `-o wide` alone; not in the JSON. */
  readonly Digest?: string | undefined
}

/** What a command needs to talk with registries, and no cluster. */
export interface RegistryRequest {
  readonly settings: Settings
  /** As in `--provider`; undefined: what the repository's host says. */
  readonly provider: string | undefined
  /** Instead of those of the Docker config file. */
  readonly credentials: { readonly credentials: Credentials; readonly source: string } | undefined
  readonly signal: AbortSignal
}

export interface ImagesRequest extends RegistryRequest {
  readonly repositories: readonly Reference[]
  readonly version: WantedImage
}

export interface ChangesRequest extends RegistryRequest {
  readonly repositories: readonly Reference[]
  /** Where tags are taken off, undefined means: whatever they point at. */
  readonly version: WantedImage | undefined
  readonly tags: readonly string[]
  readonly dryRun: boolean
}

export interface ResolveRequest extends RegistryRequest {
  readonly image: Reference
  readonly versionSyntax: string
}

export interface PolicyRequest extends RegistryRequest {
  /** Without a tag or digest. */
  readonly image: Reference
  readonly policy: VersionPolicySpec
}

export interface Commands {
  /** @param signal asks to give up a start that is still waiting; a controller that has started is stopped by `stop()` */
  startOperator(settings: Settings, log: Logger, signal: AbortSignal): Promise<Running>
  followOne(request: FollowRequest): Promise<FollowOutcome>
  /** Of one namespace, or of all that the account may read. */
  currentVersions(query: {
    readonly settings: Settings
    readonly namespace: string | undefined
  }): Promise<readonly WorkloadVersion[]>
  /** The data of a ConfigMap, undefined where there is none of that name. */
  configMapData(
    settings: Settings,
    namespace: string,
    name: string,
  ): Promise<Readonly<Record<string, string>> | undefined>
}

/** What is done in registries alone. */
export interface RegistryCommands {
  tagsOfImages(request: ImagesRequest): Promise<ImagesAnswer>
  /** In no repository is anything changed where one of them lacks the version. */
  addTags(request: ChangesRequest & { readonly version: WantedImage }): Promise<ChangesAnswer>
  /** As `addTags`. */
  removeTags(request: ChangesRequest): Promise<ChangesAnswer>
  resolveImage(request: ResolveRequest): Promise<ResolvedImage>
  /** That no tag fits is an answer, and no failure. */
  resolvePolicy(request: PolicyRequest): Promise<ResolvedPolicy>
}

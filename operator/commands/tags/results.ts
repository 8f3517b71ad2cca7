/** What the registry commands are asked, and what came of it; the command line shows it. */
import type { TagChange } from './changes.ts'
import type { Explained } from './explain.ts'
import type { ExplainedPolicy } from './explain-policy.ts'
import type { FoundImage } from './image.ts'

/** Something that went wrong with one repository, or one tag of it; the others go on. */
export interface Problem {
  readonly repository: string
  readonly tag?: string | undefined
  /** As conditions have it: `RegistryAccessDenied`, `TagImmutable`, … */
  readonly reason: string
  readonly message: string
  readonly notFound: boolean
}

export interface TaggedImage extends FoundImage {
  readonly repository: string
  readonly tags: readonly string[]
}

export interface ImagesAnswer {
  readonly images: readonly TaggedImage[]
  readonly problems: readonly Problem[]
}

/** Those of `result: 'failed'` are among the problems. */
export interface ShownChange extends Omit<TagChange, 'error'> {
  readonly repository: string
}

export interface ChangesAnswer {
  readonly dryRun: boolean
  readonly changes: readonly ShownChange[]
  readonly problems: readonly Problem[]
}

/** As whom a registry was asked. */
export interface Asked {
  readonly provider: string
  readonly credentials: { readonly user: string | undefined; readonly source: string }
}

export interface ResolvedImage extends Explained, Asked {
  /** In full, as it was asked for. */
  readonly image: string
  /** As workloads would get it. */
  readonly workloadImage: string
  readonly tag: string | undefined
}

export interface ResolvedPolicy extends ExplainedPolicy, Asked {
  /** The repository; with the chosen tag, where there is one. */
  readonly image: string
  /** As workloads would get it; undefined where no tag fits. */
  readonly workloadImage: string | undefined
}

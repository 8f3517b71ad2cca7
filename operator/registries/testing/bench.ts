import type { ImageContent } from '../../../e2e/harness/images.ts'
import type { PlainAnswer } from '../../../e2e/harness/registry-faults.ts'
import type { Digest } from '../../images/digest.ts'
import type { Credentials, Registry } from '../registry.ts'

/** A registry under test, its users, and how the suite pushes images to it. */
export interface RegistryBench {
  readonly registry: Registry
  readonly host: string
  /** Can read and write. */
  readonly credentials: Credentials
  /** Can only read: `anonymous` for public images. Default: `credentials`. */
  readonly reader?: Credentials | undefined
  /** Users whom the registry refuses. */
  readonly strangers?: readonly Credentials[] | undefined
  push(path: string, tags: readonly string[], content?: ImageContent): Promise<Digest>
  moveTag(path: string, tag: string, to: Digest): Promise<void>
  /** Answers every request for a manifest in this way, until the returned function is called. */
  answerManifests(answer: PlainAnswer): () => void
  /** Whether a tag can be removed without its image. Default: yes. */
  readonly untags?: boolean | undefined
  /** The path of a repository whose tags are immutable, if the registry has one. */
  readonly immutable?: string | undefined
  /** Whether these credentials get all tags of an image at once. Default: yes, if the registry supports it. */
  readonly tellsAliases?: boolean | undefined
  /** Whether these credentials get push times. Default: no. */
  readonly tellsPushTimes?: boolean | undefined
  /** More than one page of the registry has. Default: 1203. */
  readonly manyTags?: number | undefined
}

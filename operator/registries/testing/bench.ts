import type { Digest } from '../../images/digest.ts'
import type { Credentials, Registry } from '../registry.ts'

/** How the suite makes images in the registry under test. */
export interface RegistryBench {
  readonly registry: Registry
  readonly host: string
  /** Of someone who may read and write. */
  readonly credentials: Credentials
  /** Of someone who may only read, where reading is asked for as another: `anonymous` where the images are public. */
  readonly reader?: Credentials | undefined
  /** Those whom the registry does not let in; none where everybody may. */
  readonly strangers?: readonly Credentials[] | undefined
  push(
    path: string,
    tags: readonly string[],
    content?: {
      readonly labels?: Readonly<Record<string, string>>
      readonly annotations?: Readonly<Record<string, string>>
      readonly multiArch?: boolean
      readonly docker?: boolean
    },
  ): Promise<Digest>
  moveTag(path: string, tag: string, to: Digest): Promise<void>
  /** Whether tags can be taken off there by themselves. Default: yes. */
  readonly untags?: boolean | undefined
  /** The path of a repository whose tags are immutable, where the registry has such. */
  readonly immutable?: string | undefined
  /** Whether it tells these credentials all tags of an image at once. Default: yes, where the registry can at all. */
  readonly tellsAliases?: boolean | undefined
  /** Whether it tells with these credentials when tags were pushed. Default: no. */
  readonly tellsPushTimes?: boolean | undefined
  /** More than any page of the registry has, unless that was tried with other credentials. Default: 1203. */
  readonly manyTags?: number | undefined
}

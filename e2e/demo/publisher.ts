import type { Digest, Image } from '../harness/images.ts'
import { RegistryApi } from '../harness/registry-api.ts'

export const repository = 'shop/web'
export const movingTag = 'env-prod'
/** The versionSyntax of examples/shop. */
export const versionSyntax = /^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)?$/

export type ImageMaker = (version: string, broken: boolean) => Image

/** Does what a team's CI does: pushes an image under its version, and moves the tag. */
export class Publisher {
  readonly #api: RegistryApi
  readonly #make: ImageMaker

  /** @param origin the registry's origin, such as `http://127.0.0.1:5000` */
  constructor(origin: string, make: ImageMaker) {
    this.#api = new RegistryApi(origin)
    this.#make = make
  }

  /** Does not change a version that exists already. */
  async push(version: string, broken = false): Promise<{ readonly digest: Digest; readonly isNew: boolean }> {
    if ((await this.#tags()).includes(version)) {
      return { digest: (await this.#api.manifest(repository, version)).digest, isNew: false }
    }
    return { digest: await this.#api.push(repository, this.#make(version, broken), [version]), isNew: true }
  }

  async moveTag(digest: Digest, tag = movingTag): Promise<void> {
    await this.#api.tag(repository, digest, tag)
  }

  async close(): Promise<void> {
    await this.#api.close()
  }

  async #tags(): Promise<readonly string[]> {
    // A repository does not exist before its first push.
    return this.#api.tags(repository).catch(() => [])
  }
}

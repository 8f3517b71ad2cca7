import type { Digest, Image } from '../harness/images.ts'
import { RegistryApi } from '../harness/registry-api.ts'

export const repository = 'shop/web'
export const movingTag = 'env-prod'
/** Also in examples/shop: what cvmanager takes for a version. */
export const versionSyntax = /^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+)?$/

export type ImageMaker = (version: string, broken: boolean) => Image

/** Plays the part of the team's CI: pushes an image under its version, and moves the tag. */
export class Publisher {
  readonly #api: RegistryApi
  readonly #make: ImageMaker

  /** @param origin of the registry, `http://127.0.0.1:5000` */
  constructor(origin: string, make: ImageMaker) {
    this.#api = new RegistryApi(origin)
    this.#make = make
  }

  /** An image that is there already stays as it is. */
  async push(version: string, broken = false): Promise<{ readonly digest: Digest; readonly isNew: boolean }> {
    if ((await this.#tags()).includes(version)) {
      return { digest: (await this.#api.manifest(repository, version)).digest, isNew: false }
    }
    return { digest: await this.#api.push(repository, this.#make(version, broken), [version]), isNew: true }
  }

  async moveTag(digest: Digest): Promise<void> {
    await this.#api.tag(repository, digest, movingTag)
  }

  async close(): Promise<void> {
    await this.#api.close()
  }

  async #tags(): Promise<readonly string[]> {
    // A repository is there from its first push on.
    return this.#api.tags(repository).catch(() => [])
  }
}

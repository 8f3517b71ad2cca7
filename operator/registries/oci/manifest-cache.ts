/** Manifests that were read, by digest: what a digest names never changes. By credential: tenants share nothing. */
import { LRUCache } from 'lru-cache'
import type { Digest } from '../../images/digest.ts'
import { type Repository, repositoryName } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import type { Access } from '../registry.ts'
import type { Manifest } from './manifest.ts'

const maxManifests = 5_000
/** Of text that was read. What is kept of it is less. */
const maxBytes = 16 * 1024 * 1024

interface Read {
  readonly manifest: Manifest
  readonly bytes: number
}

export class ManifestCache {
  readonly #manifests = new LRUCache<string, Manifest>({ max: maxManifests, maxSize: maxBytes })
  readonly #reading = new Map<string, Promise<Read>>()

  /** Reads a manifest once, however many callers there are. */
  async get(
    repository: Repository,
    digest: Digest,
    { credentials }: Access,
    read: () => Promise<Read>,
  ): Promise<Manifest> {
    const key = `${repositoryName(repository)} ${digest} ${credentialId(credentials)}`
    const known = this.#manifests.get(key)
    if (known !== undefined) return known
    const reading = this.#reading.get(key) ?? read().finally(() => this.#reading.delete(key))
    this.#reading.set(key, reading)
    const { manifest, bytes } = await reading
    this.#manifests.set(key, manifest, { size: Math.max(bytes, 1) })
    return manifest
  }
}

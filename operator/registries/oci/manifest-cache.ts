/** Manifests that were read, by digest: what a digest names never changes. By credential: tenants share nothing. */
import { LRUCache } from 'lru-cache'
import type { Digest } from '../../images/digest.ts'
import { type Repository, repositoryName } from '../../images/reference.ts'
import { credentialId } from '../credentials/credential-id.ts'
import type { Access } from '../registry.ts'
import type { Manifest } from './manifest.ts'

const maxManifests = 5_000
/** Counts the text that was read, which is more than what is kept of it. */
const maxBytes = 16 * 1024 * 1024

interface Read {
  readonly manifest: Manifest
  readonly bytes: number
}

export class ManifestCache {
  readonly #manifests = new LRUCache<string, Manifest, () => Promise<Read>>({
    max: maxManifests,
    maxSize: maxBytes,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { context: read, options: entry }) => {
      const { manifest, bytes } = await read()
      entry.size = Math.max(bytes, 1)
      return manifest
    },
  })

  /** Reads a manifest once, however many callers there are. */
  get(repository: Repository, digest: Digest, { credentials }: Access, read: () => Promise<Read>): Promise<Manifest> {
    const key = `${repositoryName(repository)} ${digest} ${credentialId(credentials)}`
    return this.#manifests.forceFetch(key, { context: read })
  }
}

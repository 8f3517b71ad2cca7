/**
 * Quay: an OCI registry whose own API lists tags, for public repositories only, since it accepts no robot accounts. The
 * settings or `--provider` name the Quay of a company.
 */
import type { Repository } from '../../images/reference.ts'
import { ListingRegistry, listedTag, type TagPage } from '../oci/listing-registry.ts'
import { parseObject, recordsIn } from '../oci/manifest.ts'
import { type Access, anonymous, type Credentials } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import type { Answer } from '../transport/transport.ts'

const tagsPerPage = 100

export class QuayRegistry extends ListingRegistry {
  override readonly kind = 'quay'

  protected override listCredentials(): Credentials {
    return anonymous
  }

  protected async requestPage({ host, path }: Repository, page: number, access: Access): Promise<Answer> {
    const query = `onlyActiveTags=true&limit=${tagsPerPage}&page=${page}`
    return await this.ask(host, `/api/v1/repository/${path}/tag/?${query}`, access)
  }

  /** docs.quay.io/api/swagger, `listRepoTags`. */
  protected parsePage(body: Buffer): TagPage | undefined {
    const { tags, has_additional } = parseObject(body) ?? {}
    if (!Array.isArray(tags)) return undefined
    const listed = recordsIn(tags).flatMap(({ name, manifest_digest, start_ts }) =>
      listedTag(name, manifest_digest, typeof start_ts === 'number' ? start_ts * 1000 : Number.NaN),
    )
    return { tags: listed, isLast: has_additional !== true || tags.length === 0 }
  }
}

export const quay: RegistryKind = {
  kind: 'quay',
  serves: (host) => host === 'quay.io',
  servesAnyHost: true,
  make: ({ transport }) => new QuayRegistry(transport),
}

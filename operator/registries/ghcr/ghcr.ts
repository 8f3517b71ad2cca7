/** GitHub's container registry: an OCI registry that cannot take off a tag (it answers every DELETE with 405). */
import { NeedsChangeError } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { OciRegistry } from '../oci/oci.ts'
import type { Access, Untagged } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'

export class GhcrRegistry extends OciRegistry {
  override readonly kind = 'ghcr'

  override untag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    return this.wouldUntag(repository, tag, access)
  }

  async wouldUntag(repository: Repository, tag: string, access: Access): Promise<Untagged> {
    const { host, path } = repository
    try {
      await this.resolve(repository, tag, access)
    } catch (error) {
      if (error instanceof NeedsChangeError && error.reason === 'TagNotFound') return 'absent'
      throw error
    }
    throw new NeedsChangeError(
      'UntagNotSupported',
      `the registry ${host} does not take off a tag alone (tag ${tag} of repository ${path}), so nothing was removed. Move the tag onto another image instead; whole versions, with all their tags, are deleted on the package's page at GitHub.`,
    )
  }
}

export const ghcr: RegistryKind = {
  kind: 'ghcr',
  serves: (host) => host === 'ghcr.io',
  make: ({ transport }) => new GhcrRegistry(transport),
}

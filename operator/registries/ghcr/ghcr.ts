/** GitHub's container registry: an OCI registry that cannot remove a tag (it answers every DELETE with 405). */
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
    if ((await this.digestOf(repository, tag, access)) === undefined) return 'absent'
    const { host, path } = repository
    throw new NeedsChangeError(
      'UntagNotSupported',
      `the registry ${host} cannot remove a tag without its image (tag ${tag} of repository ${path}), so nothing was removed. Move the tag to another image instead. On the package's page at GitHub, you can delete a whole version with all its tags.`,
    )
  }
}

export const ghcr: RegistryKind = {
  kind: 'ghcr',
  serves: (host) => host === 'ghcr.io',
  make: ({ transport }) => new GhcrRegistry(transport),
}

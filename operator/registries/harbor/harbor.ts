/**
 * Harbor: an OCI registry whose own API has all tags of an image in one answer (goharbor/harbor, api/v2.0/swagger.yaml,
 * `getArtifact` and `listArtifacts`). It runs under any host, so only the settings or `--provider` name it.
 */
import type { Digest } from '../../images/digest.ts'
import { isDigest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { basic } from '../oci/auth/token-request.ts'
import { type ListedTag, ListingRegistry, listedTag, type TagPage } from '../oci/listing-registry.ts'
import { parseJson, parseObject, recordsIn } from '../oci/manifest.ts'
import type { Access, Aliases } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import type { Answer } from '../transport/transport.ts'

/** Harbor's maximum. */
const artifactsPerPage = 100
const withTags = 'with_tag=true&with_label=false'

export class HarborRegistry extends ListingRegistry {
  override readonly kind = 'harbor'
  protected override readonly listed = "artifacts of Harbor's own API"
  protected override readonly maxPages = 1000

  /** `undefined` for robots without the right, for other registries, and while Harbor's API is down. */
  override async aliases(repository: Repository, digest: Digest, access: Access): Promise<Aliases | undefined> {
    return await this.ifListed(async () => {
      const answer = await this.#request(repository, `/${digest}?${withTags}`, access)
      const artifact = answer?.status === 200 ? parseObject(answer.body) : undefined
      if (artifact?.digest !== digest) return undefined
      return { tags: tagsOf(artifact).map(({ name }) => name), isComplete: true }
    })
  }

  protected async requestPage(repository: Repository, page: number, access: Access): Promise<Answer | undefined> {
    const onlyTagged = 'q=tags%3D*'
    const query = `?${withTags}&${onlyTagged}&page=${page}&page_size=${artifactsPerPage}`
    return await this.#request(repository, query, access)
  }

  protected parsePage(body: Buffer): TagPage | undefined {
    const list = parseJson(body)
    if (!Array.isArray(list)) return undefined
    return { tags: recordsIn(list).flatMap(tagsOf), isLast: list.length < artifactsPerPage }
  }

  /** `undefined` for a path that Harbor cannot have: each repository belongs to a project. */
  async #request({ host, path }: Repository, rest: string, access: Access): Promise<Answer | undefined> {
    const { credentials } = access
    const [project = '', ...name] = path.split('/')
    if (name.length === 0) return undefined
    // The API wants it encoded twice: a/b is a%252Fb.
    const repository = encodeURIComponent(encodeURIComponent(name.join('/')))
    const artifacts = `/api/v2.0/projects/${encodeURIComponent(project)}/repositories/${repository}/artifacts`
    const authorization = credentials.kind === 'basic' ? basic(credentials) : undefined
    return await this.ask(host, `${artifacts}${rest}`, access, { authorization })
  }
}

/** An artifact without tags has null there. */
function tagsOf({ digest, tags, push_time }: Readonly<Record<string, unknown>>): readonly ListedTag[] {
  if (!isDigest(digest)) return []
  return recordsIn(tags).flatMap(({ name, push_time: moved }) =>
    listedTag(name, digest, timeOf(moved) || timeOf(push_time)),
  )
}

/** NaN for Go's zero time too, which stands for none. */
function timeOf(text: unknown): number {
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN
  return time > 0 ? time : Number.NaN
}

export const harbor: RegistryKind = {
  kind: 'harbor',
  serves: () => false,
  servesAnyHost: true,
  make: ({ transport }) => new HarborRegistry(transport),
}

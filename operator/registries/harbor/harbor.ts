/**
 * Harbor: an OCI registry whose own API tells all tags of an image by one request, and when they were pushed. It stands
 * under any host, so it is known by what the settings or `--provider` say, and by nothing else.
 */

import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { type Asked, answerInvalid, statusFailure, transportFailure } from '../failures.ts'
import { basic } from '../oci/auth/token-request.ts'
import { OciRegistry } from '../oci/oci.ts'
import type { Access } from '../registry.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { type Answer, Paused, Unreachable } from '../transport/transport.ts'
import { parseArtifact, parseArtifacts } from './artifacts.ts'

/** The most that it gives. */
const artifactsOfAPage = 100
const mostPages = 1000
const withTags = 'with_tag=true&with_label=false'

export class HarborRegistry extends OciRegistry {
  override readonly kind = 'harbor'
  /** Undefined where Harbor's own API does not tell: to robots without the right, at a host that is none, and while it is away. */
  async aliases(repository: Repository, digest: Digest, access: Access): Promise<readonly string[] | undefined> {
    const base = artifactsOf(repository)
    if (base === undefined) return undefined
    try {
      const { status, body } = await this.#ask(repository, `${base}/${digest}?${withTags}`, access)
      const artifact = status === 200 ? parseArtifact(body) : undefined
      return artifact?.digest === digest ? artifact.tags.map(({ name }) => name) : undefined
    } catch (error) {
      if (error instanceof Unreachable || error instanceof Paused) return undefined
      throw error
    }
  }

  async *pushTimes(repository: Repository, access: Access): AsyncIterable<ReadonlyMap<string, number>> {
    const asked: Asked = { repository, what: "the list of artifacts of Harbor's own API" }
    const base = artifactsOf(repository)
    if (base === undefined) throw statusFailure(asked, 404, access.credentials, undefined)
    for (let page = 1; page <= mostPages; page++) {
      // Those with tags alone.
      const path = `${base}?${withTags}&q=tags%3D*&page=${page}&page_size=${artifactsOfAPage}`
      const answer = await this.#ask(repository, path, access).catch((error: unknown) => {
        throw transportFailure(asked, error)
      })
      if (answer.status !== 200) throw statusFailure(asked, answer.status, access.credentials, answer.retryAfterMs)
      const listed = parseArtifacts(answer.body)
      if (listed === undefined) throw answerInvalid(asked, 'no list of artifacts in it')
      yield new Map(
        listed.artifacts.flatMap(({ tags }) =>
          tags.flatMap(({ name, pushedAt }) => (pushedAt === undefined ? [] : [[name, pushedAt] as const])),
        ),
      )
      if (listed.length < artifactsOfAPage) return
    }
  }

  async #ask(repository: Repository, path: string, { credentials, urgent, signal }: Access): Promise<Answer> {
    const authorization = credentials.kind === 'basic' ? { authorization: basic(credentials) } : undefined
    return await this.transport.send({
      host: repository.host,
      purpose: 'tags',
      method: 'GET',
      origin: this.transport.originOf(repository.host),
      path,
      headers: { accept: 'application/json', ...authorization },
      destination: 'configured',
      urgent,
      signal,
    })
  }
}

/** Undefined for a path that Harbor cannot have: there, each repository is of a project. */
function artifactsOf({ path }: Repository): string | undefined {
  const [project = '', ...name] = path.split('/')
  if (name.length === 0) return undefined
  // Encoded twice, as the API wants it: a/b is a%252Fb.
  const repository = encodeURIComponent(encodeURIComponent(name.join('/')))
  return `/api/v2.0/projects/${encodeURIComponent(project)}/repositories/${repository}/artifacts`
}

export const harbor: RegistryKind = {
  kind: 'harbor',
  serves: () => false,
  servesAnyHost: true,
  make: ({ transport }) => new HarborRegistry(transport),
}

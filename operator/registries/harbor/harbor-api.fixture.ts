/**
 * For tests: Harbor's own API, recorded by hand from goharbor/harbor, api/v2.0/swagger.yaml (`getArtifact`,
 * `listArtifacts`), with the tags of a real registry. It answers a DELETE of a tag as one of an invalid digest
 * (src/server/registry/manifest.go).
 */
import type { Registry as Program } from '../../../e2e/harness/registry.ts'
import { account, basicAuthorization } from '../../../e2e/harness/token-server.ts'
import type { StandInAnswer, StandInRequest } from '../testing/stand-in.fixture.ts'

const path = /^\/api\/v2\.0\/projects\/([^/]+)\/repositories\/([^/]+)\/artifacts(?:\/(.+))?$/
const robot = basicAuthorization(account.username, account.password)

/** `undefined` for a request to the registry itself. */
export async function harborApi(question: StandInRequest, program: Program): Promise<StandInAnswer | undefined> {
  const { method, url, authorization } = question
  if (method === 'DELETE') return { status: 400, body: { errors: [{ code: 'DIGEST_INVALID', message: 'invalid' }] } }
  const [match, project, name = '', digest] = path.exec(url.pathname) ?? []
  if (match === undefined) return undefined
  if (authorization !== robot) return { status: 401, body: { errors: [{ code: 'UNAUTHORIZED' }] } }
  const artifacts = await artifactsOf(program, `${project}/${decodeURIComponent(decodeURIComponent(name))}`)
  if (digest !== undefined) {
    const found = artifacts.find((artifact) => artifact.digest === digest)
    return found ? { status: 200, body: found } : { status: 404, body: { errors: [{ code: 'NOT_FOUND' }] } }
  }
  const [page, size] = [Number(url.searchParams.get('page')), Number(url.searchParams.get('page_size'))]
  return { status: 200, body: artifacts.slice((page - 1) * size, page * size) }
}

async function artifactsOf(program: Program, repository: string) {
  const push_time = '2026-01-01T00:00:00.000Z'
  const names = await program.tags(repository)
  const digests = await Promise.all(names.map((tag) => program.digestOf(repository, tag)))
  return [...new Set(digests)].map((digest) => ({
    digest,
    push_time,
    tags: names.filter((_, at) => digests[at] === digest).map((tag) => ({ name: tag, push_time })),
  }))
}

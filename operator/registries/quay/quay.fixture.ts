/**
 * For tests: Quay's own API, recorded by hand from its documentation (docs.quay.io/api/swagger, `listRepoTags`), with the
 * tags of a real registry. It accepts no robot accounts, so nobody sees private repositories, such as those below `private/`.
 */
import type { Registry as Program } from '../../../e2e/harness/registry.ts'
import type { StandInAnswer } from '../testing/stand-in.fixture.ts'

const tagList = /^\/api\/v1\/repository\/(.+)\/tag\/$/
const hidden: StandInAnswer = { status: 401, body: { error_type: 'insufficient_scope' } }

/** With private repositories only. */
export const quayApiOfPrivate = (url: URL): StandInAnswer | undefined =>
  tagList.test(url.pathname) ? hidden : undefined

/** `undefined` for a request to the registry itself. */
export async function quayApi(url: URL, program: Program): Promise<StandInAnswer | undefined> {
  const [, path] = tagList.exec(url.pathname) ?? []
  if (path === undefined) return undefined
  if (path.startsWith('private/')) return hidden
  const page = Number(url.searchParams.get('page'))
  const limit = Number(url.searchParams.get('limit'))
  const names = await program.tags(path)
  const tags = await Promise.all(
    names.slice((page - 1) * limit, page * limit).map(async (name, at) => ({
      name,
      reversion: false,
      start_ts: 1_767_225_600 + at,
      manifest_digest: await program.digestOf(path, name),
      is_manifest_list: false,
      size: 123_456,
      last_modified: 'Thu, 01 Jan 2026 00:00:00 -0000',
    })),
  )
  return { status: 200, body: { tags, page, has_additional: page * limit < names.length } }
}

/** With more tags than anybody reads: each page has a hundred tags on other images, and is not the last one. */
export function quayApiOfMany(url: URL): StandInAnswer | undefined {
  if (!tagList.test(url.pathname)) return undefined
  const page = Number(url.searchParams.get('page'))
  const tags = Array.from({ length: 100 }, (_, at) => ({
    name: `nightly-${(page - 1) * 100 + at}`,
    start_ts: 1_767_225_600 - page,
    manifest_digest: `sha256:${'9'.repeat(64)}`,
  }))
  return { status: 200, body: { tags, page, has_additional: true } }
}

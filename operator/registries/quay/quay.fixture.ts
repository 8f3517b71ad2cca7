/**
 * For tests: Quay's own API, recorded by hand from its documentation (docs.quay.io/api/swagger, `listRepoTags`), over the
 * real registry that it is beside. Private repositories, such as those below `private/`, it shows to nobody here: it takes no
 * robot accounts.
 */
import type { Registry as Program } from '../../../e2e/harness/registry.ts'
import type { Answered } from '../testing/stand-in.fixture.ts'

const tagList = /^\/api\/v1\/repository\/(.+)\/tag\/$/
const hidden: Answered = { status: 401, body: { error_type: 'insufficient_scope' } }

/** Where all repositories are private. */
export const quayApiOfPrivate = (url: URL): Answered | undefined => (tagList.test(url.pathname) ? hidden : undefined)

/** Undefined for what is not of that API. */
export async function quayApi(url: URL, program: Program): Promise<Answered | undefined> {
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

/**
 * For tests: Docker Hub's own API, recorded by hand from its documentation (docs.docker.com/reference/api/hub/latest:
 * "Create access token", "List repository tags"; the removal of a tag as in github.com/docker/hub-tool), with the tags of
 * a real registry. Repositories below `private/` are visible only with a login.
 */
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import type { Registry } from '../../../e2e/harness/registry.ts'
import { account } from '../../../e2e/harness/token-server.ts'
import { type Peer, peer } from '../testing/peer.ts'

const token = 'hub-access-token'

export interface DockerHub extends Peer {
  readonly origin: string
  /** When a tag was pushed, in milliseconds since the epoch. Default: in the order of the list. */
  readonly pushed: Map<string, number>
}

export async function dockerHubApi(t: Test, registry: Registry): Promise<DockerHub> {
  const pushed = new Map<string, number>()
  const server = await peer(t, (request, response) => {
    answer(request, registry, pushed).then(
      ([status, body]) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      (error: Error) => response.writeHead(404).end(JSON.stringify({ message: error.message })),
    )
  })
  return Object.assign(server, { origin: `http://${server.host}`, pushed })
}

type PushTimes = ReadonlyMap<string, number>

async function answer(request: IncomingMessage, registry: Registry, pushed: PushTimes): Promise<[number, unknown]> {
  const url = new URL(request.url ?? '/', 'http://hub')
  if (url.pathname === '/v2/auth/token') {
    const { identifier, secret } = JSON.parse(await text(request)) as Record<string, string>
    const known = identifier === account.username && secret === account.password
    return known ? [200, { access_token: token }] : [401, { detail: 'incorrect authentication credentials' }]
  }
  const { authorization } = request.headers
  if (authorization !== undefined && authorization !== `Bearer ${token}`) return [401, { detail: 'invalid token' }]
  const isKnown = authorization !== undefined

  const [, namespace, name] = /^\/v2\/namespaces\/([^/]+)\/repositories\/([^/]+)\/tags$/.exec(url.pathname) ?? []
  if (namespace !== undefined && name !== undefined) {
    if (namespace === 'private' && !isKnown) return [404, { message: 'object not found' }]
    return [200, await tagsPage(registry, `${namespace}/${decodeURIComponent(name)}`, url, pushed)]
  }
  const [, path, tag] = /^\/v2\/repositories\/(.+)\/tags\/([^/]+)\/$/.exec(url.pathname) ?? []
  if (request.method !== 'DELETE' || path === undefined || tag === undefined) return [404, { message: 'not found' }]
  if (!isKnown) return [401, { detail: 'Authentication credentials were not provided.' }]
  await registry.untag(path, tag)
  return [204, undefined]
}

async function tagsPage(registry: Registry, path: string, { searchParams }: URL, times: PushTimes) {
  const size = Math.min(Number(searchParams.get('page_size') ?? 10), 100)
  const page = Number(searchParams.get('page') ?? 1)
  const names = await registry.tags(path)
  const shown = names.slice((page - 1) * size, page * size)
  const results = await Promise.all(
    shown.map(async (name, at) => {
      const digest = await registry.digestOf(path, name)
      const pushed = new Date(times.get(name) ?? Date.UTC(2026, 0, 1, 0, 0, at)).toISOString()
      return {
        creator: 1234,
        full_size: 123_456,
        id: 12_345,
        // The platforms of an index, with digests of their own.
        images: [
          { architecture: 'amd64', os: 'linux', size: 123_456, status: 'active', digest: `sha256:${'9'.repeat(64)}` },
        ],
        last_updated: pushed,
        name,
        repository: 98_765,
        tag_status: 'active',
        tag_last_pushed: pushed,
        content_type: 'image',
        digest,
      }
    }),
  )
  const next = page * size < names.length ? `https://hub.docker.com/v2/namespaces/x/tags?page=${page + 1}` : null
  return { count: names.length, next, previous: null, results }
}

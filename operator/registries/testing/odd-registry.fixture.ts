/** For tests: a small registry that is in order, so that a test says only what is odd about its own. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { makeImage } from '../../../e2e/harness/images.ts'

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

export const [image] = makeImage({ content: 'odd' }).manifests as [ReturnType<typeof makeImage>['manifests'][number]]
export const listed = ['1.0', 'env-prod']

/** What an ordinary registry answers for the repository shop/web, which has one image. */
export function ordinary({ method, path, headers }: Asked): Reply {
  if (path === '/v2/') return { status: 200, body: '{}' }
  if (path === '/v2/shop/web/tags/list') return json({ name: 'shop/web', tags: listed })
  const reference = /^\/v2\/shop\/web\/manifests\/(.+)$/.exec(path)?.[1] ?? ''
  if (![...listed, image.digest].includes(reference)) return missing
  const known = headers['if-none-match'] === `"${image.digest}"`
  const named = { 'content-type': image.mediaType, 'docker-content-digest': image.digest, etag: `"${image.digest}"` }
  return known
    ? { status: 304, headers: named }
    : { status: 200, headers: named, body: method === 'HEAD' ? '' : image.bytes }
}

export const json = (value: unknown, headers: Reply['headers'] = {}): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})

export const missing: Reply = {
  status: 404,
  headers: { 'content-type': 'application/json' },
  body: '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}',
}

/** Leaves out some headers of a reply. */
export const without = (reply: Reply, ...names: readonly string[]): Reply => ({
  ...reply,
  headers: Object.fromEntries(Object.entries(reply.headers ?? {}).filter(([name]) => !names.includes(name))),
})

export const serve =
  (answer: (asked: Asked) => Reply) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://registry')
    const { method = 'GET', headers } = request
    const reply = answer({ method, path: url.pathname, query: url.searchParams, headers })
    response.writeHead(reply.status, { ...reply.headers } as Record<string, string | string[]>).end(reply.body)
  }

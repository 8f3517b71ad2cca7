import t from 'tap'
import { anonymous } from '../registry.ts'
import { allTags } from '../testing/contract.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { OciRegistry } from './oci.ts'

t.test('a list with entity tags is requested conditionally, by page and by credential', async (t) => {
  const pages: Record<string, readonly string[]> = { first: ['a', 'b'], second: ['c'] }
  const answered: string[] = []
  const server = await peer(t, (request, response) => {
    const second = request.url?.includes('last=b')
    const tags = pages[second ? 'second' : 'first']
    const etag = `W/"${tags?.join('-')}"`
    const status = request.headers['if-none-match'] === etag ? 304 : 200
    answered.push(`${second ? 'second' : 'first'} ${status}`)
    const link = second ? {} : { link: '</v2/shop/web/tags/list?n=1000&last=b>; rel="next"' }
    response.writeHead(status, { etag, 'content-type': 'application/json', ...link })
    response.end(status === 200 ? JSON.stringify({ name: 'shop/web', tags }) : undefined)
  })
  const registry = new OciRegistry(transportTo(t, [server.host]))
  const list = (credentials: Parameters<typeof allTags>[2]['credentials'] = anonymous) =>
    allTags(registry, { host: server.host, path: 'shop/web' }, { credentials })

  t.same(await list(), ['a', 'b', 'c'])
  t.same(await list(), ['a', 'b', 'c'])
  t.same(answered, ['first 200', 'second 200', 'first 304', 'second 304'])

  pages.second = ['c', 'd']
  answered.length = 0
  t.same(await list(), ['a', 'b', 'c', 'd'])
  t.same(answered, ['first 304', 'second 200'])

  answered.length = 0
  await list({ kind: 'basic', username: 'ann', password: 'x' })
  t.same(answered, ['first 200', 'second 200'])
})

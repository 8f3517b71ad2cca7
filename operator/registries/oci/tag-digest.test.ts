import t, { type Test } from 'tap'
import { makeImage } from '../../../e2e/harness/images.ts'
import { digestOf } from '../../images/digest.ts'
import { anonymous } from '../registry.ts'
import { image, ordinary, type Reply, serve } from '../testing/odd-registry.fixture.ts'
import { peer, transportTo } from '../testing/peer.ts'
import { OciRegistry } from './oci.ts'

const access = { credentials: anonymous }
const other = makeImage({ content: 'other' }).manifests[0]?.digest ?? ''
const html = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>'

async function answering(t: Test, get: Reply, head: Reply = { ...get, body: '' }) {
  const server = await peer(
    t,
    serve(({ method }) => (method === 'HEAD' ? head : get)),
  )
  const registry = new OciRegistry(transportTo(t, [server.host]))
  return { server, registry, web: { host: server.host, path: 'shop/web' } }
}

t.test('what is no manifest has no digest, whatever its headers say', async (t) => {
  const text = image.bytes.toString()
  const cases: readonly (readonly [string, string | undefined, string, RegExp])[] = [
    ['a login page', 'text/html; charset=utf-8', html, /text\/html; charset=utf-8, "<!DOCTYPE html> <html><head>/],
    ['an empty page', 'text/html', '', /text\/html, and nothing in it instead of a manifest/],
    ['nothing', undefined, '', /no media type, and nothing in it/],
    ['an empty object', 'application/json', '{}', /application\/json, "\{\}" instead of a manifest/],
    ['an error with status 200', 'application/json', '{"errors":[{"code":"DENIED"}]}', /"\{"errors"/],
    ['a list', 'application/json', '[]', /"\[\]"/],
    ['a status page as a manifest', image.mediaType, '{"schemaVersion":2,"status":"ok"}', /instead of a manifest/],
    ['a page as a manifest', image.mediaType, html, /oci\.image\.manifest\.v1\+json, "<!DOCTYPE/],
    ['half a manifest', image.mediaType, text.slice(0, -1), /instead of a manifest/],
    [
      'an image whose config has no digest',
      image.mediaType,
      text.replaceAll('sha256:', 'md5:'),
      /instead of a manifest/,
    ],
    ['an image without layers', image.mediaType, text.replace('layers', 'blobs'), /instead of a manifest/],
    ['an image and an index at once', image.mediaType, text.replace('{', '{"manifests":[],'), /instead of a manifest/],
    [
      'an image that is called an index',
      image.mediaType,
      text.replace('manifest.v1', 'index.v1'),
      /instead of a manifest/,
    ],
    [
      'another media type',
      'application/vnd.oci.image.manifest.v2+json',
      text.replace('manifest.v1', 'manifest.v2'),
      /v2/,
    ],
  ]
  for (const [name, type, body, message] of cases) {
    const headers = type === undefined ? {} : { 'content-type': type }
    const { registry, web } = await answering(t, { status: 200, headers, body })
    const invalid = { name: 'TransientError', reason: 'RegistryAnswerInvalid', message }
    await t.rejects(registry.resolve(web, 'env-prod', access), invalid, name)
    await t.rejects(registry.resolve(web, 'env-prod', access, image.digest), invalid, `${name}, as a change`)
  }
})

t.test('the message of an odd answer is short and printable, and says what to do', async (t) => {
  const { registry, web } = await answering(t, {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: `\u0000é\n${html.repeat(9)}`,
  })
  const { message } = await registry.resolve(web, 'env-prod', access).then(
    () => new Error('it was taken'),
    (error: Error) => error,
  )
  t.match(
    message,
    /tag env-prod of repository shop\/web .*text\/html, "<!DOCTYPE html> <html>.*not of a proxy or a login page/,
  )
  t.match(message, /^[\x20-\x7e]{1,450}$/)
})

t.test('a digest in the headers of a page is proved by one GET', async (t) => {
  const named = { 'content-type': 'text/html', 'docker-content-digest': other }
  const page = await answering(
    t,
    { status: 200, headers: { 'content-type': 'text/html' }, body: html },
    { status: 200, headers: named },
  )
  await t.rejects(page.registry.resolve(page.web, 'env-prod', access), {
    name: 'TransientError',
    message: /"<!DOCTYPE/,
  })

  const lying = { 'content-type': image.mediaType, 'docker-content-digest': other }
  const wrong = await answering(t, { status: 200, headers: lying, body: image.bytes }, { status: 200, headers: named })
  const mismatch = { name: 'TransientError', message: /not have the digest that Docker-Content-Digest names/ }
  await t.rejects(wrong.registry.resolve(wrong.web, 'env-prod', access), mismatch)

  const plain = { 'content-type': 'text/plain', 'docker-content-digest': image.digest }
  const { registry, web, server } = await answering(t, { status: 200, headers: plain, body: image.bytes })
  t.equal(await registry.resolve(web, 'env-prod', access), image.digest)
  server.asked.length = 0
  t.equal(await registry.resolve(web, 'env-prod', access, image.digest), image.digest)
  t.same(server.asked, ['HEAD /v2/shop/web/manifests/env-prod'], 'what was proved once is known')
})

t.test('a digest may be sha512, and must be that of the content', async (t) => {
  const sha512 = digestOf(image.bytes, 'sha512')
  const headers = { 'content-type': image.mediaType, 'docker-content-digest': sha512 }
  const byHead = await answering(t, { status: 200, headers, body: image.bytes })
  t.equal(await byHead.registry.resolve(byHead.web, 'env-prod', access), sha512)
  const byGet = await answering(t, { status: 200, headers, body: image.bytes }, { status: 405 })
  t.equal(await byGet.registry.resolve(byGet.web, 'env-prod', access), sha512)
  const lies = { ...headers, 'docker-content-digest': `sha512:${'0'.repeat(128)}` }
  const wrong = await answering(t, { status: 200, headers: lies, body: image.bytes }, { status: 405 })
  await t.rejects(wrong.registry.resolve(wrong.web, 'env-prod', access), { name: 'TransientError' })
})

t.test('a manifest of schema 1 is no version: its digest is not that of its text', async (t) => {
  const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
  const body = JSON.stringify({ schemaVersion: 1, name: 'shop/web', tag: 'env-prod', fsLayers: [], signatures: [{}] })
  for (const named of [{}, { 'docker-content-digest': other }]) {
    const { registry, web } = await answering(t, { status: 200, headers: { 'content-type': type, ...named }, body })
    const refused = { name: 'NeedsChangeError', reason: 'NotAnImage', message: /schema 1.*Push the image again/ }
    await t.rejects(registry.resolve(web, 'env-prod', access), refused)
  }
})

t.test('a wrong length of the content is an error', async (t) => {
  const { 'content-length': _, ...headers } = { 'content-type': image.mediaType, 'content-length': '' }
  for (const [length, reason] of [
    [image.bytes.length + 7, 'RegistryUnavailable'],
    [image.bytes.length - 7, 'RegistryAnswerInvalid'],
  ] as const) {
    const server = await peer(t, (request, response) => {
      const head = { ...headers, 'content-length': String(length) }
      response.writeHead(200, head)
      if (request.method === 'HEAD') return response.end()
      response.strictContentLength = false
      response.write(image.bytes.subarray(0, Math.min(length, image.bytes.length)))
      setTimeout(() => response.socket?.end(), 20)
      return undefined
    })
    const registry = new OciRegistry(transportTo(t, [server.host], { deadlineMs: 500 }))
    const web = { host: server.host, path: 'shop/web' }
    await t.rejects(registry.resolve(web, 'env-prod', access), { name: 'TransientError', reason }, String(length))
  }
})

t.test('a tag that is pushed between HEAD and GET is no reason to go on with GET', async (t) => {
  let isPushed = false
  const server = await peer(
    t,
    serve((asked) => {
      const isThere = isPushed || asked.method === 'GET'
      isPushed = isThere
      return isThere ? ordinary(asked) : { status: 404 }
    }),
  )
  const registry = new OciRegistry(transportTo(t, [server.host]))
  const web = { host: server.host, path: 'shop/web' }
  for (const methods of ['HEAD,GET,HEAD', 'HEAD']) {
    server.asked.length = 0
    t.equal(await registry.resolve(web, 'env-prod', access), image.digest)
    t.equal(server.asked.map((asked) => asked.split(' ')[0]).join(), methods)
  }
})

t.test('GET is remembered for an hour, and HEAD then tried again', async (t) => {
  let now = 1
  let works = false
  const server = await peer(
    t,
    serve((asked) => (asked.method === 'HEAD' && !works ? { status: 405 } : ordinary(asked))),
  )
  const registry = new OciRegistry(transportTo(t, [server.host]), { clock: { now: () => now } })
  const web = { host: server.host, path: 'shop/web' }
  const methods = async () => {
    server.asked.length = 0
    await registry.resolve(web, 'env-prod', access, image.digest)
    return server.asked.map((asked) => asked.split(' ')[0]).join()
  }
  t.equal(await methods(), 'HEAD,GET')
  t.equal(await methods(), 'GET')
  works = true
  now += 3_601_000
  t.equal(await methods(), 'HEAD')
})

// Payloads: docs.github.com/webhooks/webhook-events-and-payloads#package and #registry_package
import t from 'tap'
import { githubSignature, secret, webhookServer } from './webhook-server.fixture.ts'

const about = {
  id: 10696,
  name: 'hello-world',
  namespace: 'Codertocat',
  ecosystem: 'CONTAINER',
  package_type: 'CONTAINER',
  owner: { login: 'Codertocat', id: 21031067 },
  package_version: {
    id: 57755790,
    version: 'sha256:3da1996a8115d7616457760d9920b815241d0a03b34cf5f04e9a0e9d8de37498',
    container_metadata: { tag: { name: 'env-prod', digest: 'sha256:6c62fb45fe66bfb1ea9a66abc38f6a0cc974292b' } },
    package_url: 'ghcr.io/Codertocat/hello-world:env-prod',
  },
  registry: { name: 'GitHub CONTAINER registry', type: 'CONTAINER', url: 'https://ghcr.io/Codertocat' },
}
const published = JSON.stringify({ action: 'published', package: about })
const signed = (body: string, event = 'package') => ({
  headers: { 'x-github-event': event, 'x-hub-signature-256': githubSignature(body) },
})

t.test('a published or updated package is a hint for all of its tags, with the name in lower case', async (t) => {
  const { send, hints } = await webhookServer(t, 'ghcr')
  const updated = JSON.stringify({ action: 'updated', registry_package: about })
  t.equal((await send(published, signed(published))).status, 202)
  t.equal((await send(updated, signed(updated, 'registry_package'))).status, 202)
  t.same(hints, ['ghcr.io/codertocat/hello-world', 'ghcr.io/codertocat/hello-world'])
})

t.test('a package without a URL is known by its owner and name', async (t) => {
  const { send, hints } = await webhookServer(t, 'ghcr')
  for (const url of [undefined, '', 'https://evil.example.com/x']) {
    const body = JSON.stringify({
      action: 'published',
      package: { ...about, name: 'shop/Web', package_version: { ...about.package_version, package_url: url } },
    })
    await send(body, signed(body))
  }
  t.same(new Set(hints), new Set(['ghcr.io/codertocat/shop/web']))
})

t.test('other events, other packages and other actions are no hints', async (t) => {
  const { send, hints, outcomes } = await webhookServer(t, 'ghcr')
  const npm = JSON.stringify({ action: 'published', package: { ...about, package_type: 'npm', package_version: {} } })
  const deleted = JSON.stringify({ action: 'deleted', package: about })
  const ping = JSON.stringify({ zen: 'Design for failure.', hook_id: 1 })
  t.equal((await send(npm, signed(npm))).status, 202)
  t.equal((await send(deleted, signed(deleted))).status, 202)
  t.equal((await send(ping, signed(ping, 'ping'))).status, 202)
  t.equal((await send(published, signed(published, 'push'))).status, 202)
  t.same(hints, [])
  t.same(outcomes, { ignored: 4 })
})

t.test('S1 only a signature with the secret over the raw body is accepted', async (t) => {
  const { send, hints, outcomes } = await webhookServer(t, 'ghcr')
  const headers = (signature: string) => ({
    headers: { 'x-github-event': 'package', 'x-hub-signature-256': signature },
  })
  const right = githubSignature(published)
  for (const signature of [
    '',
    'sha256=',
    `sha256=${'0'.repeat(64)}`,
    right.toUpperCase(),
    right.slice(0, -1),
    `${right}0`,
    right.replace('sha256=', ''),
    right.replace('sha256=', 'sha1='),
    githubSignature(published, 'another-secret-of-length'),
    githubSignature(`${published} `),
  ]) {
    t.equal((await send(published, headers(signature))).status, 401, signature)
  }
  t.equal((await send(published, { headers: { 'x-github-event': 'package' } })).status, 401, 'no signature')
  t.equal((await send(published, { headers: { authorization: `Bearer ${secret}` } })).status, 401, 'the secret itself')
  t.equal((await send(published.replace('hello', 'other'), headers(right))).status, 401, 'a changed body')
  t.equal((await send(`${published}\n`, headers(right))).status, 401, 'changed by one byte')
  t.same(hints, [])
  t.same(outcomes, { refused: 14 })
})

t.test('a signed payload that is not JSON is malformed, each time that it is sent', async (t) => {
  const { send, outcomes } = await webhookServer(t, 'ghcr')
  for (let i = 0; i < 3; i++) t.equal((await send('garbage', signed('garbage'))).status, 400)
  t.same(outcomes, { malformed: 3 })
})

t.test('during a change of the secret, the old and the new one are both valid', async (t) => {
  const { send } = await webhookServer(t, 'ghcr', { secret: `the-new-secret-of-ours\n${secret}\n` })
  t.equal((await send(published, signed(published))).status, 202)
  const renewed = githubSignature(published, 'the-new-secret-of-ours')
  t.equal(
    (await send(published, { headers: { 'x-github-event': 'package', 'x-hub-signature-256': renewed } })).status,
    202,
  )
})

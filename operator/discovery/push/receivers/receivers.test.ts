import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { schema } from '../../../config/schema.ts'
import { isTag } from '../../../images/reference.ts'
import { type Head, MalformedPayload, type ReceiverDeps } from './receiver.ts'
import { receiverKinds } from './receivers.ts'
import { secret } from './webhook-server.fixture.ts'

const deps: ReceiverDeps = { googleTokens: {} as never, now: () => 0 }
const made = Object.entries(receiverKinds).map(([kind, make]) => ({
  kind,
  receiver: make(kind === 'gar' ? 'audience: a\nemail: a@example.com\n' : secret, deps),
}))

/** Words that receivers recognize, so that random payloads reach their code. */
const words = [
  ...['events', 'action', 'target', 'tag', 'repository', 'request', 'host', 'repo_name', 'push_data', 'docker_url'],
  ...['updated_tags', 'type', 'event_data', 'data', 'resources', 'resource_url', 'object_kind', 'object_attributes'],
  ...['status', 'project', 'path_with_namespace', 'web_url', 'message', 'eventType', 'validationCode', 'specversion'],
  ...['image', 'subject', 'package', 'package_version', 'package_url', 'owner', 'login', 'name', 'package_type'],
]
const texts = [
  ...['push', 'PUSH_ARTIFACT', 'published', 'pipeline', 'success', 'container', '1.0', 'https://gitlab.com/a'],
  ...['Microsoft.ContainerRegistry.ImagePushed', 'registry.example.com', 'shop/web', 'registry.example.com/shop/web:1'],
  ...['ghcr.io/a/b:c', '__proto__', '../../../..', '\u0000', 'x'.repeat(2000)],
]
const { payload } = fc.letrec((tie) => ({
  payload: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(fc.constantFrom(...texts), fc.string(), fc.integer(), fc.constant(null), fc.boolean()),
    fc.array(tie('payload'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...words), tie('payload'), { maxKeys: 6 }),
  ),
}))
const head = fc.record({
  query: fc.constantFrom('', 'host=registry.example.com', 'host=%00', 'host=a/b'),
  event: fc.constantFrom('package', 'ping', undefined),
})

t.test(
  'S11 each kind parses any payload into hints with a valid repository and tag, or calls it malformed',
  async (t) => {
    for (const { kind, receiver } of made) {
      fc.assert(
        fc.property(payload, head, (sent, { query, event }) => {
          const shown: Head = { header: () => event, query: new URLSearchParams(query) }
          try {
            for (const { repository, tag } of receiver.parse(sent, shown).hints) {
              if (repository.host === '' || repository.path === '' || (tag !== undefined && !isTag(tag))) return false
            }
          } catch (thrown) {
            if (!(thrown instanceof MalformedPayload)) throw thrown
          }
          return true
        }),
        { numRuns: 1200 },
      )
      t.pass(kind)
    }
  },
)

t.test('the setting --webhook allows each kind, and docs/push.md documents it', async (t) => {
  const page = await readFile(join(import.meta.dirname, '../../../../docs/push.md'), 'utf8')
  for (const kind of Object.keys(receiverKinds)) {
    t.match(schema.webhooks.allowed, kind)
    t.match(page, `/v1/hooks/${kind}`)
    t.match(page, `\`${kind}\``)
  }
})

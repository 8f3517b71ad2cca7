import t from 'tap'
import { loadSettings } from '../config/settings.ts'
import { parseReference } from '../images/reference.ts'
import { peer } from '../registries/testing/peer.ts'
import { addTags, resolveTag } from './tag-commands.ts'

t.test('a command may reach a registry at loopback, which its own line names', async (t) => {
  const server = await peer(t, (_, response) => response.end())
  const registry = { provider: undefined, credentials: undefined, signal: new AbortController().signal }
  const request = { ...registry, image: parseReference(`${server.host}/shop/web:x`), versionSyntax: '.*' }
  await t.rejects(resolveTag({ ...request, settings: loadSettings({}) }), { message: /it does not speak TLS/ })
})

t.test('where statistics cannot be sent, no tag is changed', async (t) => {
  const server = await peer(t, (_, response) => response.end())
  const { repository } = parseReference(`${server.host}/shop/web`)
  const settings = loadSettings({
    flags: { statsProvider: 'statsd', statsHost: 'statsd:99999', insecureRegistries: [server.host] },
  })
  const request = { provider: undefined, credentials: undefined, signal: new AbortController().signal, settings }
  const change = {
    repositories: [parseReference(`${repository.host}/${repository.path}`)],
    tags: ['env-prod'],
    dryRun: false,
  }
  const version = { by: 'name', name: 'v1' } as const
  await t.rejects(addTags({ ...request, ...change, version }), { name: 'UsageError' })
  t.same(server.asked, [])
})

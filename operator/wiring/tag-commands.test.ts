import t from 'tap'
import { loadSettings } from '../config/settings.ts'
import { parseReference } from '../images/reference.ts'
import { peer } from '../registries/testing/peer.ts'
import { resolveTag } from './tag-commands.ts'

t.test('a command may reach a registry at loopback, which its own line names', async (t) => {
  const server = await peer(t, (_, response) => response.end())
  const registry = { provider: undefined, credentials: undefined, signal: new AbortController().signal }
  const request = { ...registry, image: parseReference(`${server.host}/shop/web:x`), versionSyntax: '.*' }
  await t.rejects(resolveTag({ ...request, settings: loadSettings({}) }), { message: /it does not speak TLS/ })
})

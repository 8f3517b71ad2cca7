import { test } from 'tap'
import type { ApiClient } from '../../kubernetes/client.ts'
import { status } from './status.ts'

const web = { metadata: { namespace: 'shop', name: 'web', uid: 'u', resourceVersion: '1' }, spec: {} }

test('a signal ends it also before the API server has answered', async (t) => {
  const answers: readonly (readonly [string, (path: string) => object | undefined])[] = [
    ['nothing', () => undefined],
    ['the ContainerVersion alone', (path) => (path.endsWith('/containerversions/web') ? web : undefined)],
  ]
  for (const [what, answer] of answers) {
    const stopping = new AbortController()
    const waiting = Promise.withResolvers<void>()
    const get = (path: string) => {
      const found = answer(path)
      if (found !== undefined) return Promise.resolve(found)
      waiting.resolve()
      return new Promise(() => undefined)
    }
    const shown: unknown[] = []
    const onTree = (tree: unknown) => shown.push(tree)
    const request = { namespace: 'shop', name: 'web', watch: true, signal: stopping.signal, onTree }
    const ended = status({ get } as unknown as ApiClient, request)
    await waiting.promise
    stopping.abort('SIGINT')
    t.equal(await ended, undefined, what)
    t.same(shown, [])
  }
})

import { test } from 'tap'
import { TransientError } from '../errors.ts'
import { ApiError } from './api-error.ts'
import { watchObject } from './watch-object.ts'

const away = () => new TransientError('ApiServerUnavailable', 'away')
const forbidden = () => new ApiError(403, 'Forbidden', 'you may not')
const at = (resourceVersion: string) => ({ metadata: { resourceVersion } })
const event = (type: string, resourceVersion: string) => ({ type, object: at(resourceVersion) })

/** Watches with a client whose watches bring these, one after another, and whose reads do; the last read stays. */
async function watching(
  watches: readonly (readonly unknown[] | Error)[],
  reads: readonly (string | Error)[],
  enough = Number.POSITIVE_INFINITY,
) {
  const seen: string[] = []
  const contact: (string | undefined)[] = []
  const from: unknown[] = []
  const stopping = new AbortController()
  let read = 0
  const end = await watchObject({
    client: {
      async get<T>(): Promise<T> {
        const found = reads[Math.min(read++, reads.length - 1)] ?? forbidden()
        if (found instanceof Error) throw found
        return at(found) as T
      },
      async *stream({ query, onOpen }) {
        from.push(query?.resourceVersion)
        const events = watches[from.length - 1] ?? []
        if (events instanceof Error) throw events
        onOpen?.()
        yield* events
        if (from.length >= enough) stopping.abort()
      },
    },
    resource: { group: 'cvmanager.io', version: 'v1', plural: 'containerversions' },
    namespace: 'shop',
    name: 'web',
    resourceVersion: '1',
    onObject: (raw) => seen.push((raw as ReturnType<typeof at>).metadata.resourceVersion),
    onContact: (trouble) => contact.push(trouble),
    signal: stopping.signal,
  })
  return { end, seen, contact, from }
}

test('each change comes once, and the end of a watch loses none and repeats none', async (t) => {
  const changes = [event('MODIFIED', '2'), event('BOOKMARK', '4'), event('MODIFIED', '5')]
  t.match(await watching([changes, [event('MODIFIED', '7')]], ['5', '7'], 3), {
    end: 'stopped',
    seen: ['2', '5', '7'],
    contact: [],
    from: ['1', '5', '7'],
  })
  t.match(await watching([[event('MODIFIED', '2')], []], ['6'], 2), { seen: ['2', '6'] }, 'what came between them')
})

test('a deletion ends it, seen by the watch or by the next read', async (t) => {
  t.match(await watching([[event('DELETED', '2')]], []), { end: 'gone', seen: [] })
  t.match(await watching([[]], [new ApiError(404, 'NotFound', 'not there')]), { end: 'gone' })
})

test('an outage is told once, and its end too', async (t) => {
  const { contact, seen, end } = await watching([away(), [event('MODIFIED', '3')]], [away(), away(), '2'], 2)
  t.same([contact, seen, end], [['away', undefined], ['2', '3'], 'stopped'])
})

test('a version that is too old is read again at once', async (t) => {
  const expired = { type: 'ERROR', object: { code: 410 } }
  t.match(await watching([[expired], []], ['9'], 2), { seen: ['9'], contact: [], from: ['1', '9'] })
})

test('a right that is missing ends it, but not one that an API server which starts refuses for a moment', async (t) => {
  await t.rejects(watching([forbidden(), forbidden(), forbidden(), forbidden()], ['1']), { message: 'you may not' })
  t.match(await watching([forbidden(), [event('MODIFIED', '2')]], ['1'], 2), { end: 'stopped', seen: ['2'] })
})

import fc from 'fast-check'
import { test } from 'tap'
import { Cache } from './cache.ts'
import type { CachedObject, Change } from './store.ts'

const rethrow = (error: unknown) => {
  throw error
}
const object = (key: string, version: number): CachedObject => ({ key, resourceVersion: String(version) })

function listed(cache: Cache<CachedObject>, version: number, ...objects: CachedObject[]): void {
  const replacement = cache.replace(String(version))
  for (const one of objects) replacement.add(one)
  replacement.end()
}

function recorded() {
  const cache = new Cache<CachedObject>(rethrow)
  const changes: string[] = []
  cache.onChange((change: Change<CachedObject>) => {
    const { key, resourceVersion } = change.type === 'deleted' ? change.before : change.now
    changes.push(`${change.type} ${key}@${resourceVersion}`)
  })
  return { cache, changes }
}

test('a second list reports only the differences', async (t) => {
  const { cache, changes } = recorded()
  listed(cache, 10, object('a', 1), object('b', 2), object('c', 3))
  changes.length = 0
  listed(cache, 20, object('a', 1), object('b', 15), object('d', 16))
  t.same(changes, ['changed b@15', 'added d@16', 'deleted c@3'])
})

test('an event older than the answer to our own write does not restore the older object', async (t) => {
  const { cache, changes } = recorded()
  listed(cache, 10, object('a', 5))
  cache.put(object('a', 13))
  cache.update(object('a', 12))
  t.equal(cache.get('a')?.resourceVersion, '13')
  cache.update(object('a', 13))
  t.same(changes, ['added a@5', 'changed a@13'])
})

test('the answer to our own write does not restore a deleted object', async (t) => {
  const { cache } = recorded()
  listed(cache, 10, object('a', 5))
  cache.delete('a', '14')
  cache.put(object('a', 13))
  t.equal(cache.get('a'), undefined)
})

test('an older deletion does not remove an object that was created again', async (t) => {
  const { cache } = recorded()
  listed(cache, 10, object('a', 5))
  cache.put(object('a', 14))
  cache.delete('a', '12')
  t.equal(cache.get('a')?.resourceVersion, '14')
})

test('an object that we created during a list is kept', async (t) => {
  const { cache } = recorded()
  const replacement = cache.replace('10')
  cache.put(object('new', 11))
  replacement.add(object('a', 5))
  replacement.end()
  t.ok(cache.get('new'))
})

test('after the server was set back to an older state, its list is taken', async (t) => {
  const { cache } = recorded()
  listed(cache, 100, object('a', 90), object('b', 95))
  t.ok(cache.isSetBack('50'))
  listed(cache, 50, object('a', 40))
  t.equal(cache.get('a')?.resourceVersion, '40')
  t.equal(cache.get('b'), undefined)
})

test('B40 a missing object is undefined', async (t) => {
  t.equal(new Cache<CachedObject>(rethrow).get('shop/web'), undefined)
})

test('R2 in whatever order answers to our writes arrive, the cache ends up like the server, and never goes back', async () => {
  const write = fc.record({ key: fc.constantFrom('a', 'b'), deleted: fc.boolean(), lateBy: fc.nat({ max: 6 }) })
  fc.assert(
    fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
      const cache = new Cache<CachedObject>(rethrow)
      listed(cache, 1)
      let newest = 0
      let wentBack = false
      const answers: { readonly at: number; readonly object: CachedObject }[] = []
      const truth = new Map<string, string>()
      writes.forEach(({ key, deleted, lateBy }, index) => {
        const version = index + 2
        // The answers to earlier writes arrive now, before the watch event of this one.
        for (const { at, object } of answers) if (at === index) cache.put(object)
        if (deleted) {
          truth.delete(key)
          cache.delete(key, String(version))
        } else {
          truth.set(key, String(version))
          answers.push({ at: index + lateBy, object: object(key, version) })
          if (lateBy === 0) cache.put(object(key, version))
          cache.update(object(key, version))
        }
        const position = Number(cache.resourceVersion)
        wentBack ||= position < newest
        newest = position
      })
      for (const { at, object } of answers) if (at >= writes.length) cache.put(object)
      const held = [...cache.values()].map(({ key, resourceVersion }) => [key, resourceVersion])
      return !wentBack && JSON.stringify(held.sort()) === JSON.stringify([...truth].sort())
    }),
  )
})

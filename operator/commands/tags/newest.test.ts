import fc from 'fast-check'
import t from 'tap'
import { compareNaturally } from '../../discovery/versions/natural-order.ts'
import { newestOf } from './newest.ts'

t.test('the newest is the one with the highest numbers', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['v1.9 v1.10 v1.2.7', 'v1.10'],
    ['1.2 1.2.1 1.1.9', '1.2.1'],
    ['build-9 build-10', 'build-10'],
    ['20260101-f00ba4 20260102-abcdef 20251231-ffffff', '20260102-abcdef'],
    ['7', '7'],
    ['7 7', '7'],
  ]
  for (const [tags, newest] of cases) {
    t.same(newestOf(tags.split(' ')), { tag: newest, rival: undefined }, tags)
    t.same(newestOf(tags.split(' ').reverse()), { tag: newest, rival: undefined }, tags)
  }
  t.equal(newestOf([]), undefined)
})

t.test('if only letters differ, there is a rival', async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['abc1234 def5678', 'def5678', 'abc1234'],
    ['v1.2 r1.3', 'v1.2', 'r1.3'],
    ['1.2 1.2-rc1', '1.2-rc1', '1.2'],
    ['1.07 1.7', '1.7', '1.07'],
    ['stable latest', 'stable', 'latest'],
    ['0a1b2c3 1a2b3c4', '1a2b3c4', '0a1b2c3'],
    ['1234567 1a2b3c4', '1234567', '1a2b3c4'],
  ]
  for (const [tags, tag, rival] of cases) t.same(newestOf(tags.split(' ')), { tag, rival }, tags)
})

t.test('the newest is the last in natural order, whatever the order of the list', async () => {
  const tags = fc.array(fc.stringMatching(/^[ab0-2.-]{1,6}$/), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(tags, (list) => {
      const newest = newestOf(list)
      const reversed = newestOf([...list].reverse())
      return newest?.tag === [...list].sort(compareNaturally).at(-1) && newest?.tag === reversed?.tag
    }),
  )
})

import fc from 'fast-check'
import { test } from 'tap'
import { compareResourceVersions } from './resource-version.ts'

test('resourceVersions are compared as numbers, however large', async () => {
  const number = fc.bigInt({ min: 1n, max: 2n ** 64n })
  fc.assert(
    fc.property(number, number, (a, b) => {
      const order = compareResourceVersions(String(a), String(b))
      return Math.sign(order) === (a === b ? 0 : a < b ? -1 : 1)
    }),
  )
})

import t from 'tap'
import { AtMostEvery, maxKeys } from './at-most-every.ts'
import { SteppedTime } from './testing/stepped-time.ts'

t.test('something happens once within the gap, for each key', async (t) => {
  const clock = new SteppedTime()
  const warnings = new AtMostEvery(60_000, clock)
  t.same([warnings.isDue(), warnings.isDue('a'), warnings.isDue('a'), warnings.isDue('b')], [true, true, false, true])
  await clock.advance(59_999)
  t.notOk(warnings.isDue('a'))
  await clock.advance(2)
  t.same([warnings.isDue('a'), warnings.isDue('a')], [true, false])
})

t.test('the number of keys has a bound: what happened longest ago may happen again', async (t) => {
  const warnings = new AtMostEvery(60_000)
  for (let key = 0; key <= maxKeys; key++) t.ok(warnings.isDue(`${key}`))
  t.same([warnings.isDue(`${maxKeys}`), warnings.isDue('0')], [false, true])
})

import t, { type Test } from 'tap'
import { digests, polling, target } from './testing/polling.ts'

/** A registry that answers for many tags at once, and the moments at which it was asked for how many. */
function gathering(t: Test) {
  const made = polling(t)
  Object.assign(made.registry, { batches: true })
  const together = () => [...Map.groupBy(made.asked, ({ at }) => at).values()].map(({ length }) => length)
  return { ...made, together }
}

t.test('targets of one repository come together, whenever they were followed', async (t) => {
  const { time, poller, asked, together } = gathering(t)
  for (let i = 0; i < 1000; i++) {
    poller.follow(`shop/${i}`, target({ tag: `t${i}` }))
    if (i % 100 === 0) await time.advance(7)
  }
  await time.advance(300)
  // The moment of the interval may lie within these milliseconds, too: then they are looked at once more.
  const first = new Map(asked.toReversed().map(({ tag, at }) => [tag, at]))
  t.equal(first.size, 1000)
  // Two moments; and who comes in the very millisecond of the first one is looked at in the next millisecond.
  const moments = new Set(first.values()).size
  t.ok(moments <= 3, `the first looks, followed within 70 ms, in ${moments} moments`)
  for (let poll = 0; poll < 3; poll++) {
    asked.length = 0
    await time.advance(60_000)
    t.same(together(), [1000])
  }
})

t.test('those of another interval meet the others, and other repositories have other moments', async (t) => {
  const { time, poller, asked, together } = gathering(t)
  poller.follow('a', target({ tag: 'a', intervalSeconds: 60 }))
  poller.follow('b', target({ tag: 'b', intervalSeconds: 120 }))
  poller.follow('c', target({ tag: 'c', intervalSeconds: 30 }))
  await time.advance(240_000)
  asked.length = 0
  await time.advance(120_000)
  t.same(together().sort(), [1, 1, 2, 3], 'c alone twice, with a once, and all of them once')

  for (let i = 0; i < 20; i++) {
    poller.follow(`other ${i}`, target({ repository: { host: 'registry.example.com', path: `other/${i}` } }))
  }
  await time.advance(1000)
  asked.length = 0
  await time.advance(30_000 * 2)
  t.ok(together().length > 10)
})

t.test('after a failure they come together again', async (t) => {
  const { time, registry, poller, asked, together } = gathering(t)
  for (let i = 0; i < 300; i++) poller.follow(`shop/${i}`, target({ tag: `t${i}` }))
  await time.advance(1000)
  registry.fault = () => new Error('it is away')
  await time.advance(60_000)
  registry.fault = undefined
  registry.content = () => digests('two')
  asked.length = 0
  await time.advance(70_000)
  t.ok(together().length <= 25 + 1, `300 retries in ${together().length} moments`)
  await time.advance(60_000)
  asked.length = 0
  await time.advance(60_000)
  t.same(together(), [300])
})

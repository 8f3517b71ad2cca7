import fc from 'fast-check'
import { test } from 'tap'
import { DueTimes } from './due-times.ts'

test('keys come in the order of their earliest times, whatever is set and deleted in between', async () => {
  const key = fc.integer({ min: 0, max: 30 }).map(String)
  const action = fc.record({ key, dueMs: fc.option(fc.integer({ min: 0, max: 1000 })) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const times = new DueTimes()
      const model = new Map<string, number>()
      for (const { key, dueMs } of actions) {
        if (dueMs === null) {
          times.delete(key)
          model.delete(key)
        } else {
          times.setIfEarlier(key, dueMs)
          model.set(key, Math.min(dueMs, model.get(key) ?? dueMs))
        }
      }
      if (times.size !== model.size) return false
      const came: number[] = []
      for (let first = times.first(); first; first = times.first()) {
        if (model.get(first.key) !== first.dueMs) return false
        came.push(first.dueMs)
        times.delete(first.key)
      }
      return JSON.stringify(came) === JSON.stringify([...model.values()].sort((a, b) => a - b))
    }),
  )
})

import fc from 'fast-check'
import t from 'tap'
import { type Due, DueHeap } from './heap.ts'

interface Item extends Due {
  readonly id: number
}

t.test('items come out in the order of their due times, whatever is added, moved and removed in between', async () => {
  const step = fc.tuple(fc.constantFrom('put', 'remove', 'pop'), fc.nat(20), fc.nat(50))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new DueHeap<Item>()
      const items = Array.from({ length: 21 }, (_, id): Item => ({ id, due: 0, place: -1 }))
      const expected = new Map<number, number>()
      for (const [action, id, due] of steps) {
        const item = items[id]
        if (item === undefined) continue
        if (action === 'put') {
          heap.put(item, due)
          expected.set(id, due)
        } else if (action === 'remove') {
          heap.remove(item)
          expected.delete(id)
        } else {
          const popped = heap.popDue(due)
          const earliest = Math.min(...expected.values())
          if (popped === undefined ? earliest <= due : popped.due !== earliest) return false
          if (popped !== undefined) expected.delete(popped.id)
        }
        if (heap.size !== expected.size) return false
      }
      const rest: number[] = []
      for (let next = heap.popDue(100); next !== undefined; next = heap.popDue(100)) rest.push(next.due)
      return JSON.stringify(rest) === JSON.stringify([...expected.values()].sort((a, b) => a - b))
    }),
  )
})

import fc from 'fast-check'
import { test } from 'tap'
import { tailOf } from './log-tail.ts'

test('the last lines of a log are one line, without colours and control characters', async (t) => {
  t.equal(tailOf('a\n\u001B[31mred\u001B[0m\r\n\n  b\u0000c\u202Ed \n', 10), 'a | red | b c d')
  t.equal(tailOf('1\n2\n3\n', 2), '2 | 3')
  t.equal(tailOf('\n \n', 2), undefined)
})

test('it is bounded, and the end of it counts', async (t) => {
  const tail = tailOf(`${'x'.repeat(100_000)}the cause`, 10) ?? ''
  t.equal(tail.length, 400)
  t.match(tail, /^…x+the cause$/)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 5_000 }), (text) => {
      const line = tailOf(text, 10) ?? ''
      return line.length <= 400 && !/\p{Cc}/u.test(line)
    }),
  )
})

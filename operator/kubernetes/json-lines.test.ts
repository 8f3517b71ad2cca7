import fc from 'fast-check'
import { test } from 'tap'
import { jsonLines } from './json-lines.ts'

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function read(bytes: Uint8Array, size: number, limit = 1024): Promise<unknown[]> {
  const lines: unknown[] = []
  for await (const line of jsonLines(inPieces(bytes, size), limit)) lines.push(line)
  return lines
}

test('lines are complete, wherever the network splits them, even inside a character', async () => {
  const line = fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 20 }), number: fc.integer() })
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 50 }), async (lines, size) => {
      const bytes = Buffer.from(lines.map((one) => `${JSON.stringify(one)}\n`).join(''))
      return JSON.stringify(await read(bytes, size)) === JSON.stringify(lines)
    }),
  )
})

test('empty lines and an incomplete last line are skipped', async (t) => {
  t.same(await read(Buffer.from('\n{"a":1}\r\n\n{"b"'), 3), [{ a: 1 }])
})

test('a line over the limit is refused before it is complete', async (t) => {
  await t.rejects(read(Buffer.alloc(5000, 'x'), 50, 100), { message: /longer than 100 characters/ })
  await t.rejects(read(Buffer.from(`"${'x'.repeat(2000)}"\n`), 5000), { message: /longer than 1024 characters/ })
})

test('a line that is not JSON is reported as such', async (t) => {
  await t.rejects(read(Buffer.from('<html>\n'), 100), { name: 'TransientError', message: /not JSON: <html>/ })
})

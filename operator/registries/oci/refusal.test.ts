import fc from 'fast-check'
import t from 'tap'
import { mediaTypeOf } from './manifest.ts'
import { isNoUntagging, isTagImmutable, refusalOf } from './refusal.ts'

const says = (status: number, ...errors: readonly unknown[]) =>
  refusalOf({ status, body: Buffer.from(JSON.stringify({ errors })) })

t.test("a refusal quotes the registry's first error in one short printable line", async (t) => {
  t.equal(
    says(405, { code: 'UNSUPPORTED', message: 'The operation is unsupported.' }).shown,
    '405 UNSUPPORTED: The operation is unsupported.',
  )
  t.equal(says(409, { code: 'DENIED' }, { code: 'OTHER' }).shown, '409 DENIED')
  t.equal(says(400, { message: 'a\n\u001b[31mb\u0000' }).shown, '400 a [31mb')
  for (const odd of [[], [null], [7], ['x'], [{ code: 7, message: {} }]]) t.equal(says(412, ...odd).shown, '412')
  t.equal(refusalOf({ status: 500, body: Buffer.from('<html>') }).shown, '500')
})

t.test('immutable tags are recognized by the errors of each registry', async (t) => {
  const yes: readonly (readonly [number, unknown, boolean])[] = [
    [
      412,
      { code: 'PRECONDITION', message: "Failed to process request due to 'web:1.0' configured as immutable." },
      false,
    ],
    [409, { code: 'TAG_ALREADY_EXISTS' }, false],
    [400, { code: 'MANIFEST_INVALID', message: 'tag "1.0" is immutable and cannot be overwritten' }, false],
    [405, { code: 'UNSUPPORTED', message: 'The operation is disallowed on this registry, repository or image.' }, true],
    [409, {}, true],
    [412, {}, true],
  ]
  for (const [status, error, existed] of yes) t.ok(isTagImmutable(says(status, error), existed), JSON.stringify(error))
  const no: readonly (readonly [number, unknown, boolean])[] = [
    [409, {}, false],
    [412, { message: 'the project quota is exceeded' }, true],
    [403, { code: 'DENIED', message: 'requested access to the resource is denied' }, true],
    [500, { message: 'immutable' }, true],
  ]
  for (const [status, error, existed] of no)
    t.notOk(isTagImmutable(says(status, error), existed), JSON.stringify(error))
  t.ok(isNoUntagging(says(405)))
  t.notOk(isNoUntagging(says(403, { code: 'DENIED' })))
})

t.test('S11 nothing that a registry answers breaks the parsers', async () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(body, fc.integer({ min: 100, max: 599 }), fc.string(), (bytes, status, type) => {
      const answer = { status, body: Buffer.from(bytes), headers: { 'content-type': type } }
      const { shown } = refusalOf(answer)
      const mediaType = mediaTypeOf(answer)
      return /^[\x20-\x7e]{3,420}$/.test(shown) && (mediaType === undefined || mediaType.startsWith('application/vnd.'))
    }),
    { numRuns: 2000 },
  )
})

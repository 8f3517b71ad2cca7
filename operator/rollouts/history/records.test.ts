import fc from 'fast-check'
import { test } from 'tap'
import { rollingOut } from '../plan/plan.fixture.ts'
import { historyName, labelsOf2018 } from './history.ts'
import {
  type HistoryRecord,
  infoKey,
  maxBytes,
  readRecords,
  recordOf,
  recordsKey,
  unreadableKey,
  withRecord,
} from './records.ts'

const record = (given: Partial<HistoryRecord> = {}): HistoryRecord => ({
  id: 'a1',
  kind: 'Deployment',
  workload: 'web',
  containers: ['web'],
  version: 'v2',
  digest: `sha256:${'a'.repeat(64)}`,
  image: 'r.example.com/web:v2',
  previousImages: { web: 'r.example.com/web:v1' },
  outcome: 'Succeeded',
  startTime: '2026-01-02T03:04:05Z',
  endTime: '2026-01-02T03:04:35Z',
  durationSeconds: 30,
  containerVersion: 'web-cv',
  ...given,
})

test('Info keeps the words of the first cvmanager, newest first', async (t) => {
  const first = withRecord({}, record()) ?? {}
  const second = withRecord(first, record({ id: 'a2', version: 'v3', endTime: '2026-01-03T03:04:35Z' })) ?? {}
  t.equal(
    second[infoKey],
    'Update occurred at:2026-01-03 03:04:35 +0000 UTC:\nWorkload:web to version:v3\n\n' +
      'Update occurred at:2026-01-02 03:04:35 +0000 UTC:\nWorkload:web to version:v2\n',
  )
  t.match(readRecords(second[recordsKey]).records, [{ version: 'v3' }, { version: 'v2' }])
})

test('a record has what came of its checks, and none that has not begun', async (t) => {
  const check = { name: 'smoke', kind: 'Image', step: 'container', state: 'Failed', message: 'exit status 3' } as const
  const checks = [
    { ...check, since: '2026-01-02T03:04:05Z' },
    { ...check, name: 'scan', state: 'Pending' as const },
  ]
  const made = recordOf(
    { ...rollingOut(), checks },
    { kind: 'Deployment', name: 'web', uid: 'u', previous: [] },
    'web-cv',
  )
  t.same(made.checks, [check])
  t.equal(
    recordOf(rollingOut(), { kind: 'Deployment', name: 'web', uid: 'u', previous: [] }, 'web-cv').checks,
    undefined,
  )
})

test('the entries of the first cvmanager stay, after the new ones', async (t) => {
  const old = 'Update occurred at:2018-06-01 02:03:04.5 +0000 UTC:\nWorkload:web to version:v0\n'
  t.match(
    withRecord({ [infoKey]: old }, record())?.[infoKey],
    /v2\n\nUpdate occurred at:2018-06-01 02:03:04\.5 \+0000 UTC:\nWorkload:web to version:v0\n$/,
  )
})

test('a long history of the first cvmanager loses nothing, for as long as there is room', async (t) => {
  const entry = (at: number) =>
    `Update occurred at:2018-06-01 02:03:04.${at} +0000 UTC:\nWorkload:web to version:v${at}\n`
  const old = Array.from({ length: 8_000 }, (_, at) => entry(at)).join('\n')
  t.ok(Buffer.byteLength(old) > maxBytes * 0.6)
  let data = withRecord({ [infoKey]: old }, record()) ?? {}
  for (let at = 0; at < 50; at++) data = withRecord(data, record({ id: `r${at}`, version: `w${at}` })) ?? data
  t.ok(data[infoKey]?.endsWith(`\n\n${old}`))
  t.equal(data[infoKey]?.match(/^Update occurred/gm)?.length, 8_051)
  t.ok(Buffer.byteLength(Object.values(data).join('')) <= maxBytes)
})

test('B28 a rollout is recorded once, however often it is written', async (t) => {
  const data = withRecord({}, record()) ?? {}
  t.equal(withRecord(data, record()), undefined)
})

test('B28 Info lists successful rollouts only; the structured records have every outcome', async (t) => {
  const data = withRecord({}, record({ outcome: 'RolledBack', message: 'it crashed' })) ?? {}
  t.equal(data[infoKey], '')
  t.match(readRecords(data[recordsKey]).records, [{ outcome: 'RolledBack', message: 'it crashed' }])
})

test('where the keys of others fill the ConfigMap, old records go and the new one is there', async (t) => {
  const maxConfigMapBytes = 1024 * 1024
  const size = (data: object) => Buffer.byteLength(Object.values(data).join(''))
  let mine = withRecord({}, record()) ?? {}
  for (let index = 0; index < 40; index++) mine = withRecord(mine, record({ id: `r${index}` })) ?? mine
  const theirs = 'é'.repeat((maxConfigMapBytes - 12_000) / 2)
  const data: Record<string, string> = {
    ...mine,
    theirs,
    ...withRecord({ ...mine, theirs }, record({ id: 'new' }), 2_000),
  }
  t.ok(size(data) + 2_000 <= maxConfigMapBytes)
  t.equal(readRecords(data[recordsKey]).records[0]?.id, 'new')
  t.ok(readRecords(data[recordsKey]).records.length > 5, 'as many as fit')
  const full = withRecord({ theirs: 'x'.repeat(maxConfigMapBytes) }, record({ id: 'new' }))
  t.match(readRecords(full?.[recordsKey]).records, [{ id: 'new' }], 'it is never left out: the API server refuses it')
})

test('B45 workloads of one name and different kinds keep their records apart', async (t) => {
  const data = withRecord({}, record()) ?? {}
  const both = withRecord(data, record({ kind: 'StatefulSet' })) ?? {}
  t.match(readRecords(both[recordsKey]).records, [{ kind: 'StatefulSet' }, { kind: 'Deployment' }])
})

test('records that a person has broken are kept aside', async (t) => {
  const data = withRecord({ [recordsKey]: '[{"id":' }, record()) ?? {}
  t.equal(data[unreadableKey], '[{"id":')
  t.equal(readRecords(data[recordsKey]).records.length, 1)
  t.match(readRecords('{"not":"a list"}'), { records: [], unreadable: '{"not":"a list"}' })
})

test('records that were kept aside count, too: the ConfigMap is never too large', async (t) => {
  const limit = 6_000
  let data = withRecord({ [recordsKey]: 'x'.repeat(limit) }, record(), 0, limit) ?? {}
  t.ok(data[unreadableKey])
  for (let at = 0; at < 40; at++) data = { ...data, ...withRecord(data, record({ id: `r${at}` }), 0, limit) }
  const size = Buffer.byteLength(Object.values(data).join(''))
  t.ok(size <= limit, `${size} bytes`)
})

test('B45 the history always is valid, has whole records with the newest among them, and is never too large', async (t) => {
  const message = fc.string({ unit: 'grapheme', maxLength: 400 })
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 40 }), (messages) => {
      const limit = 6_000
      let data: Readonly<Record<string, string>> = {}
      for (const [index, text] of messages.entries()) {
        data = withRecord(data, record({ id: `r${index}`, message: text, version: `v${index}` }), 0, limit) ?? data
      }
      const { records, unreadable } = readRecords(data[recordsKey])
      const size = Buffer.byteLength(Object.values(data).join(''))
      const infos = (data[infoKey] ?? '').match(/^Workload:web to version:v\d+$/gm) ?? []
      return (
        size <= limit &&
        unreadable === undefined &&
        records[0]?.id === `r${messages.length - 1}` &&
        infos[0] === `Workload:web to version:v${messages.length - 1}`
      )
    }),
    { numRuns: 200 },
  )
  t.ok(maxBytes < 1_000_000)
})

test('a history has the labels of 2018', async (t) => {
  t.same(labelsOf2018('2018-04-13T03:31:59Z'), { OWNED_BY: 'CVManager', MODIFIED_AT: 'Fri-13Apr2018-03.31' })
})

test('B43 the ConfigMap of a workload with a name of maximum length has a valid, unique name', async (t) => {
  t.equal(historyName('web'), 'web.history')
  const [one, other] = [`${'a'.repeat(252)}b`, `${'a'.repeat(252)}c`].map(historyName)
  t.ok(one && one.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(one))
  t.not(one, other)
})

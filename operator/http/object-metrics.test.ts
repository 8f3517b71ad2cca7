import { test } from 'tap'
import type { ContainerVersionStatus } from '../api/status.ts'
import { createMetrics, maxHosts } from './metrics.ts'
import { maxObjects } from './object-metrics.ts'

const object = (name: string, status: ContainerVersionStatus = {}) => ({
  key: `shop/${name}`,
  namespace: 'shop',
  name,
  status,
})

const time = '2026-01-02T03:04:05Z'
const seconds = Date.parse(time) / 1000

const upToDate: ContainerVersionStatus = {
  phase: 'UpToDate',
  conditions: [
    { type: 'Ready', status: 'True', reason: 'UpToDate', message: '', lastTransitionTime: time, observedGeneration: 1 },
  ],
  rollouts: [
    {
      id: 'b',
      digest: 'sha256:2',
      version: 'v2',
      outcome: 'Succeeded',
      startTime: time,
      endTime: time,
      duration: '0s',
    },
    { id: 'a', digest: 'sha256:1', version: 'v1', outcome: 'Failed', startTime: time, endTime: time, duration: '0s' },
  ],
}
const held: ContainerVersionStatus = {
  phase: 'RolledBack',
  next: { digest: 'sha256:3', version: 'v3', heldBy: 'Quarantine' },
}

/** The samples about objects, as Prometheus reads them. */
async function samples(objects: readonly ReturnType<typeof object>[], sinceAnswer: () => number | undefined) {
  const metrics = createMetrics()
  metrics.objectsOf({ objects: () => objects, sinceAnswer })
  const page = await metrics.page.metrics()
  return page.split('\n').filter((line) => /^cvmanager_containerversion(_|s_without)/.test(line))
}

test('each ContainerVersion has its phase, whether it is ready, what holds a version, its last poll and rollout', async (t) => {
  const of = (name: string) => `namespace="shop",name="${name}"`
  const polled = await samples([object('web', upToDate), object('api', held), object('new')], () => 60_000)
  const now = Date.now() / 1000
  const [web, api] = polled.filter((line) =>
    line.startsWith('cvmanager_containerversion_last_poll_success_timestamp_seconds'),
  )
  t.ok(Math.abs(Number(web?.split(' ').at(-1)) - (now - 60)) < 5, web ?? '')
  t.match(api, of('api'))
  t.same(
    polled.filter((line) => !line.includes('last_poll')),
    [
      `phase{${of('web')},phase="UpToDate"} 1`,
      `phase{${of('api')},phase="RolledBack"} 1`,
      `phase{${of('new')},phase="Pending"} 1`,
      `ready{${of('web')}} 1`,
      `ready{${of('api')}} 0`,
      `ready{${of('new')}} 0`,
      `held{${of('api')},held_by="Quarantine"} 1`,
      `last_rollout_timestamp_seconds{${of('web')},outcome="Succeeded"} ${seconds}`,
      's_without_own_metrics 0',
    ].map((line) => `cvmanager_containerversion${line.startsWith('s_') ? '' : '_'}${line}`),
  )
})

test('an object that was never polled has no time of a poll, and one that is gone has nothing', async (t) => {
  t.notMatch((await samples([object('web', upToDate)], () => undefined)).join(), 'last_poll')
  t.same(await samples([], () => 0), ['cvmanager_containerversions_without_own_metrics 0'])
})

test('a version that is being rolled out is not held', async (t) => {
  const next = { digest: 'sha256:3', version: 'v3', heldBy: 'Rollout' }
  t.notMatch((await samples([object('web', { phase: 'RollingOut', next })], () => 0)).join(), 'held')
})

test('the number of series has a bound, and one metric says how many objects are left out', async (t) => {
  const objects = Array.from({ length: maxObjects + 3 }, (_, at) => object(`web-${at}`, upToDate))
  const found = await samples(objects, () => undefined)
  t.equal(found.length, maxObjects * 3 + 1)
  t.equal(found.at(-1), 'cvmanager_containerversions_without_own_metrics 3')
})

test('each outcome of a rollout begins at 0, so that an alert sees the first one', async (t) => {
  const page = await createMetrics().page.metrics()
  for (const outcome of ['Succeeded', 'RolledBack', 'Failed', 'Superseded', 'Aborted'])
    t.match(page, `cvmanager_rollouts_total{outcome="${outcome}"} 0`)
})

test('every metric of the page has its help and type before its samples, and no two lines are of one series', async (t) => {
  const metrics = createMetrics()
  metrics.objectsOf({ objects: () => [object('web', upToDate), object('api', held)], sinceAnswer: () => 0 })
  const lines = (await metrics.page.metrics()).split('\n').filter((line) => line !== '')
  const declared = new Set<string>()
  const series = new Set<string>()
  for (const line of lines) {
    const type = /^# TYPE (\S+) (?:gauge|counter|histogram|summary)$/.exec(line)?.[1]
    if (type) t.notOk(declared.has(type), `${type} is declared once`)
    if (type) declared.add(type)
    if (line.startsWith('#')) continue
    const [, name = '', labels = ''] = /^([a-zA-Z_:][\w:]*)(\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? \S+$/.exec(line) ?? []
    t.ok(declared.has(name) || declared.has(name.replace(/_(bucket|sum|count)$/, '')), line)
    t.notOk(series.has(name + labels), line)
    series.add(name + labels)
  }
})

test('hosts have a bound: those beyond it share one label, until another host is forgotten', async (t) => {
  const { hostLabel, forgetHost, polls, pollLag, registry } = createMetrics()
  const hosts = Array.from({ length: maxHosts }, (_, at) => `r${at}.example.com`)
  for (const host of [...hosts, 'tenant.example.com', 'other-tenant.example.com'])
    polls.inc({ host: hostLabel(host), outcome: 'changed' })
  const page = await registry.metrics()
  t.equal(page.match(/^cvmanager_registry_polls_total\{/gm)?.length, maxHosts + 1)
  t.match(page, 'cvmanager_registry_polls_total{host="other",outcome="changed"} 2')

  pollLag.observe({ host: 'r0.example.com' }, 1)
  await forgetHost('r0.example.com')
  t.notMatch(await registry.metrics(), '"r0.example.com"')
  t.equal(hostLabel('tenant.example.com'), 'tenant.example.com')
})

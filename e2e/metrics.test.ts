/** What a platform team watches: the metrics of a real run, the alerts and the dashboard made of them, and statsd. */
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { noPromtool, onPath } from './harness/on-path.ts'
import { freePort } from './harness/ports.ts'
import { until } from './harness/until.ts'
import { scraped, type Used, usedIn, usedInTables } from './monitoring/promql.ts'
import { startBed } from './scenario/bed.ts'
import { broken, v1, v2 } from './scenario/builds.ts'
import { command } from './scenario/command.ts'
import { scenario, webCv } from './scenario/scenario.ts'

const root = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const alerts = 'charts/cvmanager/files/alerts.yaml'

/** No registry here grants a quota, no queue of ECR's events is read, and no poll is so late. */
const notInThisRun = [
  'cvmanager_push_hearing',
  'cvmanager_registry_missed_polls_total',
  'cvmanager_registry_ratelimit_limit',
  'cvmanager_registry_ratelimit_remaining',
]

/** A statsd: the lines that have reached it. */
async function startStatsd(t: Test): Promise<{ readonly address: string; readonly lines: readonly string[] }> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const lines: string[] = []
  socket.on('message', (datagram) => lines.push(...datagram.toString().trimEnd().split('\n')))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${(socket.address() as AddressInfo).port}`, lines }
}

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly annotations: { readonly summary: string }
}

function usedByAlerts(): readonly Used[] {
  const { groups } = parse(read(alerts)) as { groups: readonly { rules: readonly Alert[] }[] }
  return groups.flatMap(({ rules }) =>
    rules.flatMap(({ alert, expr, annotations: { summary } }) =>
      usedIn(alert, expr, summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '{{$1}}')),
    ),
  )
}

function usedByDashboard(): readonly Used[] {
  const { panels } = JSON.parse(read('charts/cvmanager/files/dashboard.json')) as {
    panels: readonly { title: string; targets: readonly { expr: string; legendFormat: string }[] }[]
  }
  return panels.flatMap(({ title, targets }) =>
    targets.flatMap(({ expr, legendFormat }) => usedIn(`panel ${title}`, expr, legendFormat)),
  )
}

function usedByDocs(): readonly Used[] {
  const [first = '', ofObjects = ''] = read('docs/operations.md').split('These have the labels `namespace` and `name`')
  return [...usedInTables(first), ...usedInTables(ofObjects)]
}

t.test('the metrics of a real run', async (t) => {
  const statsd = await startStatsd(t)
  const bed = await startBed(t)
  const { directory } = bed.cluster
  const webhookPort = await freePort()
  await mkdir(join(directory, 'secrets'))
  await writeFile(join(directory, 'secrets/distribution'), 'correct-horse-battery-staple')
  const operator = await bed.operator({
    flags: [
      ...['--stats-provider', 'datadog', '--stats-host', statsd.address],
      ...['--webhook-port', String(webhookPort), '--webhook-secrets-dir', join(directory, 'secrets')],
    ],
  })
  await operator.isAtWork()
  const receives = (line: string) => until(`statsd to receive ${line}`, () => statsd.lines.includes(line), 30_000)

  const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
  await world.ciMoves('env-prod', v2)
  await world.runs(v2)
  await world.ciMoves('env-prod', broken)
  await world.becomes('RolledBack')
  await world.makes(webCv(world, 'nobody-pushed-it', {}, 'lost'))
  const refused = await fetch(`http://127.0.0.1:${webhookPort}/v1/hooks/distribution`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  })
  t.equal(refused.status, 401)

  await t.test('statsd gets the names of the first cvmanager', async (t) => {
    await receives('_sc|cvmanager.exec.sc|0')
    await receives(`cvmanagercvc.${world.namespace}/web-cv.sync.success:1|c`)
    await receives('crsync.web-cvcrsyn.web.sync.success:1|c')
    await receives(`registry.${world.path}.sync.failure:1|c|#badsha`)
    const event = await until(
      'the event',
      () => statsd.lines.find((line) => line.startsWith('_e{') && line.includes('web.sync.failure.event')),
      30_000,
    )
    t.match(event, `${broken.name} failed and was rolled back to ${v2.name}`)
    const { status } = await command(
      directory,
      ...['cr', 'tags', 'add', '--repo', world.repository, '--version', 'nobody-pushed-it', '--tags', 'env-prod'],
      ...['--insecure-registry', bed.registry.host, '--stats-provider', 'datadog', '--stats-host', statsd.address],
    )
    t.equal(status, 3)
    await receives(`registry.batchget.${world.repository.replace(':', '_')}.failure:1|c`)
  })

  await t.test('alerts, dashboard and docs name metrics and labels that a scrape has', async (t) => {
    const scrape = async () => await (await fetch(`http://127.0.0.1:${operator.port}/metrics`)).text()
    await until('the object that cannot be polled', async () => (await scrape()).includes('name="lost"'))
    const found = scraped(await scrape())
    const used = [...usedByAlerts(), ...usedByDashboard(), ...usedByDocs()]
    t.ok(used.length > 80, `${used.length} uses`)
    for (const { where, name, labels } of used) {
      t.ok(found.has(name), `${where}: ${name} is in the scrape`)
      const there = found.get(name)
      if (there)
        t.same(
          labels.filter((label) => !there.has(label)),
          [],
          `${where}: the labels of ${name}`,
        )
    }
    const withoutSample = used.filter(({ name }) => found.get(name) === undefined).map(({ name }) => name)
    t.same([...new Set(withoutSample)].sort(), notInThisRun, 'everything else has samples, with these labels')
    t.match(await scrape(), /^cvmanager_push_to_rolled_out_seconds_count [1-9]/m)
    t.match(await scrape(), /^cvmanager_registry_poll_lag_seconds_count\{host="127[^"]+"\} [1-9]/m)
  })

  await t.test('a backup of ContainerVersions and histories is restored as docs/operations.md says', async (t) => {
    // Two objects that select one workload change nothing.
    await world.delete('ContainerVersion', 'lost')
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    const backup = join(directory, 'containerversions.yaml')
    await writeFile(backup, await world.kubectl('get', 'cv', 'web-cv', '--output', 'yaml'))
    await world.delete('ContainerVersion', 'web-cv')
    await world.kubectl('create', '--filename', backup)
    await world.waitsFor(
      'the restored object to be up to date',
      async () => (await world.status()).phase === 'UpToDate',
    )
    t.equal(await world.imagePatches('web'), 3, 'v2, the broken one, and back; the restored object restarts nothing')
  })
})

const promtool = onPath(['promtool'])
const title = 'promtool accepts the alert rules, and each alert fires on its cause and not without it'
t.test(title, { skip: promtool === undefined && noPromtool }, async (t) => {
  if (promtool === undefined) return
  const run = promisify(execFile)
  t.match((await run(promtool, ['check', 'rules', alerts], { cwd: root })).stdout, 'SUCCESS')
  const tests = 'e2e/monitoring/alerts.test.yaml'
  t.match((await run(promtool, ['test', 'rules', tests], { cwd: root })).stdout, 'SUCCESS')
  const { groups } = parse(read(alerts)) as { groups: readonly { rules: readonly Alert[] }[] }
  for (const { alert } of groups.flatMap(({ rules }) => rules)) t.match(read(tests), alert, `${alert} has a test`)
})

import { stripVTControlCharacters } from 'node:util'
import { test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { ObjectNotFoundError } from '../../commands/object.ts'
import type { StatusTree } from '../../commands/status/tree.ts'
import { runCli } from '../run-cli.fixture.ts'
import { Redraw } from './redraw.ts'
import { statusLines } from './status-output.ts'

const now = Date.parse('2026-11-26T12:00:00Z')
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString().replace('.000', '')
const digest = (digit: string) => `sha256:${digit.repeat(64)}`

const calm: StatusTree = {
  namespace: 'shop',
  name: 'web',
  follows: 'env-prod',
  status: 'UpToDate',
  message: 'all workloads run v1.0.0',
  current: { version: 'v1.0.0', digest: digest('1'), since: ago(3_600) },
  checks: [],
  services: [],
  workloads: [
    {
      kind: 'Deployment',
      name: 'web',
      version: 'v1.0.0',
      ready: 1,
      wanted: 1,
      pods: [{ name: 'web-1', version: 'v1.0.0', ready: true, since: ago(90) }],
    },
    { kind: 'CronJob', name: 'nightly', version: 'v1.0.0', ready: 0, pods: [] },
  ],
  held: [],
  notShown: [],
}

/** A blue/green rollout that runs its checks. */
const verifying: StatusTree = {
  ...calm,
  status: 'Verifying',
  message: 'v1.1.0 is being verified',
  rollout: {
    id: 'r1',
    phase: 'RollingOut',
    version: 'v1.1.0',
    digest: digest('2'),
    from: 'v1.0.0',
    strategy: 'ServiceBlueGreen',
    since: ago(65),
    deadline: '2026-11-26T12:14:00Z',
    waitingSince: ago(5),
    step: { index: 2, of: 4, name: 'verify the idle side', since: ago(5), waitingFor: 'the checks' },
  },
  checks: [
    { name: 'smoke', kind: 'Image', step: 'container', state: 'Passed', since: ago(60), endTime: ago(50) },
    { name: 'ready', kind: 'HTTP', step: 'strategy', state: 'Running', passes: 2, failures: 0, since: ago(5) },
    { name: 'self-test', kind: 'Command', step: 'strategy', state: 'Failed', message: 'one\n  two' },
  ],
  services: [
    { name: 'web', role: 'Live', selector: { side: 'blue' }, selects: ['Deployment/web-blue'] },
    { name: 'web-preview', role: 'Verification', selector: { side: 'green' }, selects: ['Deployment/web-green'] },
  ],
  workloads: [
    { kind: 'Deployment', name: 'web-blue', version: 'v1.0.0', ready: 2, wanted: 2, role: 'Live', pods: [] },
    {
      kind: 'Deployment',
      name: 'web-green',
      version: 'v1.1.0',
      ready: 1,
      wanted: 2,
      role: 'Idle',
      pods: [
        { name: 'web-green-a', version: 'v1.1.0', ready: true, since: ago(30) },
        {
          name: 'web-green-bcd',
          version: 'v1.1.0',
          ready: false,
          since: ago(4),
          trouble: 'container web is in ImagePullBackOff: no such image',
        },
      ],
    },
  ],
  next: { version: 'v1.1.0', digest: digest('2'), heldBy: 'Rollout' },
  held: [{ by: 'Rollout', message: 'v1.2.0 waits until the rollout of v1.1.0 has ended' }],
}

const shown = (tree: StatusTree, columns?: number, colours = false) => statusLines(tree, { columns, colours }, now)

test('an object that is up to date shows its workloads and pods', async (t) => {
  t.equal(
    shown(calm).join('\n'),
    `shop/web  UpToDate  follows env-prod
  all workloads run v1.0.0
├─ runs             v1.0.0, for 1h0m0s
├─ Deployment/web   v1.0.0  1/1 ready
│  └─ web-1  v1.0.0  ready  1m30s
└─ CronJob/nightly  v1.0.0  0 ready`,
  )
})

test('a blue/green rollout shows its step, its checks, its Services, and which side is live', async (t) => {
  t.equal(
    shown(verifying).join('\n'),
    `shop/web  Verifying  follows env-prod
  v1.1.0 is being verified
├─ rollout               rolling out v1.0.0 → v1.1.0 (sha256:222222222222), ServiceBlueGreen, for 1m5s, its clock stands still since 2026-11-26T11:59:55Z
│  └─ step 2 of 4  verify the idle side, for 5s: waits for the checks
├─ checks
│  ├─ smoke      Image    container  Passed, 10s
│  ├─ ready      HTTP     strategy   Running, 2 good, 0 bad, 5s
│  └─ self-test  Command  strategy   Failed
│     ├─ one
│     └─ two
├─ Service/web           live          selects Deployment/web-blue
├─ Service/web-preview   verification  selects Deployment/web-green
├─ Deployment/web-blue   v1.0.0        2/2 ready  live
├─ Deployment/web-green  v1.1.0        1/2 ready  idle
│  ├─ web-green-a    v1.1.0  ready      30s
│  └─ web-green-bcd  v1.1.0  not ready  4s   container web is in ImagePullBackOff: no such image
└─ held                  Rollout: v1.2.0 waits until the rollout of v1.1.0 has ended`,
  )
})

test('a version that failed shows why, and all that holds it', async (t) => {
  const { current, ...rest } = calm
  const lines = shown({
    ...rest,
    status: 'RolledBack',
    lastRollout: {
      id: 'r1',
      version: 'v1.1.0',
      digest: digest('2'),
      outcome: 'RolledBack',
      message: 'it crashes',
      startTime: ago(70),
      endTime: ago(60),
      duration: '10s',
    },
    next: { version: 'v1.1.0', digest: digest('2'), heldBy: 'Quarantine' },
    held: [
      { by: 'Quarantine', message: 'it failed' },
      { by: 'Hold', name: 'incident-42', message: 'nothing goes out', until: '2026-12-01T08:00:00Z' },
    ],
    notShown: ['you may not list pods'],
  })
  t.match(lines.join('\n'), '├─ last rollout     v1.1.0 RolledBack, 1m0s ago, after 10s: it crashes\n')
  t.same(lines.slice(-4), [
    '├─ next             v1.1.0 (sha256:222222222222), held by Quarantine',
    '│  ├─ Quarantine        it failed',
    '│  └─ Hold incident-42  nothing goes out, until 2026-12-01T08:00:00Z',
    '└─ not shown: you may not list pods',
  ])
})

test('no line is wider than the terminal, and colours do not count', async (t) => {
  for (const columns of [20, 40, 80]) {
    const plain = shown(verifying, columns)
    for (const line of plain) t.ok(line.length <= columns, `${columns}: ${line}`)
    const coloured = shown(verifying, columns, true)
    t.same(coloured.map(stripVTControlCharacters), plain)
    t.match(coloured.join('\n'), '\u001b[33m')
  }
  const long = { ...calm, message: 'word '.repeat(50).trim() }
  t.equal(shown(long, 40).join(' ').match(/word/g)?.length, 50, 'a message is wrapped, and not cut')
})

test('colours are for terminals alone, and NO_COLOR turns them off', async (t) => {
  const colours = async (fakes: object) =>
    (await runCli('cv status web', { trees: [calm], ...fakes })).out.includes('\u001b')
  t.equal(await colours({}), false)
  t.equal(await colours({ columns: 80 }), true)
  t.equal(await colours({ columns: 80, env: { NO_COLOR: '1' } }), false)
  t.equal(await colours({ columns: 80, env: { TERM: 'dumb' } }), false)
})

test('-o json and yaml print the data', async (t) => {
  const trees = [verifying]
  t.same(
    JSON.parse((await runCli('cv status web -o json', { trees, columns: 80 })).out),
    JSON.parse(JSON.stringify(verifying)),
  )
  t.match(parse((await runCli('cv status web -o yaml', { trees })).out), { rollout: { step: { index: 2 } } })
})

test('--watch prints a block for each change where there is no terminal', async (t) => {
  const { out } = await runCli('cv status web --watch', { trees: [calm, calm, verifying, { ...verifying }] })
  t.equal(out.match(/^shop\/web/gm)?.length, 2)
  t.match(out, '\n\nshop/web  Verifying')
  const documents = await runCli('cv status web --watch -o yaml', { trees: [calm, verifying] })
  t.same(
    parseAllDocuments(documents.out).map((document) => (document.toJS() as StatusTree).status),
    ['UpToDate', 'Verifying'],
  )
})

test('--watch draws over the last lines on a terminal, and leaves the cursor as it was', async (t) => {
  const { out } = await runCli('cv status web --watch', { trees: [calm, calm], columns: 80, rows: 24 })
  const height = shown(calm, 80).length
  t.ok(out.startsWith('\u001b[?25l'))
  t.equal(out.split(`\u001b[${height}A`).length, 2)
  t.ok(out.endsWith('\u001b[?25h'))
})

test('a tree that is higher than the terminal is cut, and what is left over from before is cleared', async (t) => {
  let out = ''
  const redraw = new Redraw((text) => {
    out += text
  })
  const lines = Array.from({ length: 10 }, (_, at) => `line ${at}`)
  redraw.draw(lines, 5)
  t.ok(out.endsWith('line 2\u001b[K\n… 7 more lines\u001b[K\n\u001b[J'))
  out = ''
  redraw.draw(['short'], 5)
  t.equal(out, '\u001b[4A\rshort\u001b[K\n\u001b[J')
})

test('an object that is not there, or not any more, ends it with 3', async (t) => {
  const failure = new ObjectNotFoundError({ namespace: 'shop', name: 'web' })
  t.match(await runCli('cv status web', { failure }), {
    status: 3,
    err: 'error: there is no ContainerVersion web in namespace shop; kubectl get cv -n shop lists those that there are\n',
  })
})

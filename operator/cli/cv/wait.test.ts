import { test } from 'tap'
import { parse } from 'yaml'
import type { WaitOutcome, WaitResult } from '../../commands/wait/result.ts'
import { runCli } from '../run-cli.fixture.ts'

const digest = `sha256:${'5e1b2c3d4e5f'.padEnd(64, '0')}`

test('each outcome has its exit status and its words', async (t) => {
  const outcomes: Readonly<Record<WaitOutcome, readonly [number, string]>> = {
    Healthy: [0, 'v2 is healthy: why'],
    Failed: [1, 'v2 has failed: why'],
    RolledBack: [1, 'v2 has failed, and was rolled back: why'],
    Superseded: [1, 'v2 was superseded: why'],
    NotFound: [3, 'is not there: why'],
    Held: [4, 'v2 is held: why'],
    TimedOut: [5, 'v2 is not there yet: why'],
    Interrupted: [130, 'v2 is not there yet: why'],
  }
  for (const [result, [status, words]] of Object.entries(outcomes)) {
    const waited = { result, version: 'v2', message: 'why' } as WaitResult
    const ended = await runCli('cv wait web -n shop', { waited })
    t.same([ended.status, ended.out], [status, `ContainerVersion shop/web: ${words}\n`], result)
    t.equal(ended.err, 'RollingOut: rolling out v1\n', 'each change is one line on standard error')
  }
})

test('a failure shows the last lines of its checks, and what was restored; a hold, all that hold it', async (t) => {
  const failed: WaitResult = {
    result: 'RolledBack',
    version: 'v2',
    digest,
    message: `check smoke failed for ${digest}`,
    checks: [
      {
        name: 'smoke',
        kind: 'Image',
        step: 'container',
        state: 'Failed',
        message: 'GET /cart: 500\n\n  1 of 9 failed\n',
      },
      { name: 'ready', kind: 'HTTP', step: 'strategy', state: 'Error' },
    ],
    restored: { version: 'v1', digest, image: `repo:v1@${digest}` },
  }
  t.equal(
    (await runCli('cv wait web -n shop', { waited: failed })).out,
    `ContainerVersion shop/web: v2 has failed, and was rolled back: check smoke failed for sha256:5e1b2c3d4e5f
  check smoke (Image) failed
    GET /cart: 500
      1 of 9 failed
  check ready (HTTP) could not be run
  restored: v1 (repo:v1@sha256:5e1b2c3d4e5f)
`,
  )
  const until = '2026-12-01T08:00:00Z'
  const held = [
    { by: 'Windows', message: 'opens at nine', until },
    { by: 'Hold', name: 'incident-42', message: 'nothing goes out' },
  ]
  t.equal(
    (await runCli('cv wait web -n shop', { waited: { result: 'Held', version: 'v2', message: 'it waits', held } })).out,
    `ContainerVersion shop/web: v2 is held by Windows, Hold: it waits
  held by Windows until ${until}: opens at nine
  held by Hold incident-42: nothing goes out
`,
  )
  const one = [{ by: 'WorkloadPaused', message: 'resume it' }]
  const paused: WaitResult = { result: 'Held', version: 'v2', message: 'resume it', held: one }
  t.equal(
    (await runCli('cv wait web -n shop', { waited: paused })).out,
    'ContainerVersion shop/web: v2 is held by WorkloadPaused: resume it\n',
    'what is the same is said once',
  )
})

test('-o json and yaml print one document', async (t) => {
  const waited: WaitResult = { result: 'Superseded', version: 'v2', digest, message: 'replaced by v3', held: undefined }
  const document = {
    namespace: 'shop',
    name: 'web',
    result: 'Superseded',
    version: 'v2',
    digest,
    message: 'replaced by v3',
  }
  t.same(JSON.parse((await runCli('cv wait web -n shop -o json', { waited })).out), document)
  t.same(parse((await runCli('cv wait web -n shop -o yaml', { waited })).out), document)
})

test('it passes on what to wait for, and for how long; the namespace may be that of the context', async (t) => {
  t.match((await runCli('cv wait web')).wait, {
    namespace: undefined,
    name: 'web',
    version: undefined,
    timeoutMs: 1_800_000,
  })
  const given = await runCli(`cv wait web -n shop --version ${digest.slice(0, 19)} --timeout 1m30s`)
  t.match(given.wait, { namespace: 'shop', version: digest.slice(0, 19), timeoutMs: 90_000 })
  for (const version of ['1a2b3c4', 'v1.2.3', 'sha1'])
    t.match((await runCli(['cv', 'wait', 'web', '--version', version])).wait, { version })
  const wrong = [
    [
      'cv wait web --version sha256:5e1b',
      /^error: --version: "sha256:5e1b" is no digest, and no beginning of one; write/,
    ],
    ['cv wait web --timeout 5', /^error: --timeout: "5" is no duration; write for example 300s, 5m or 1h30m/],
    ['cv wait Web', /^error: NAME: "Web" is no name that Kubernetes allows/],
    ['cv wait', /^error: cvmanager cv wait: an argument is missing; write cvmanager cv wait <NAME>/],
  ] as const
  for (const [line, err] of wrong) t.match(await runCli(line), { status: 2, out: '', err, wait: undefined }, line)
})

test('cv reconcile says what is polled', async (t) => {
  t.match(await runCli('cv reconcile web -n shop'), {
    status: 0,
    out: 'ContainerVersion shop/web: asked cvmanager to poll registry.example.com/shop/web:env-prod now (now)\n',
    requests: [{ namespace: 'shop', name: 'web' }],
  })
  t.match(JSON.parse((await runCli('cv reconcile web -o json')).out), { request: 'now', name: 'web' })
})

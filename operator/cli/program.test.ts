import { test } from 'tap'
import type { SyncResult } from '../commands/sync.ts'
import { runCli } from './run-cli.fixture.ts'
import { spawned } from './spawned.fixture.ts'

const sync = 'cr sync --namespace shop --cv web-cv'

test('B50 a wrong command line prints one line that names the flag, and exits with 2', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['run --prot 8081', /^error: --prot: there is no such flag; did you mean --port\?/],
    ['run --port', /--port <PORT>/],
    ['run --port 80a', /--port: "80a".* 0 to 65535/],
    ['run --poll-interval-seconds 1', /--poll-interval-seconds: "1"/],
    ['run --configmap-key settings', /--configmap-key: "settings".*NAMESPACE\/NAME/],
    ['run --k8s-config /does/not/exist', /--k8s-config .*there is no file \/does\/not\/exist/],
    ['run --insecure-registry http://x', /--insecure-registry: \["http:\/\/x"\]/],
    ['run extra', /extra/],
    ['cr sync --namespace shop', /--cv <NAME>/],
    ['cr sync --cv web-cv', /--namespace <NS>/],
    [`${sync} --provider nexus`, /--provider: "nexus" is not allowed; .*oci/],
    ['cr sync --namespace Shop --cv web-cv', /--namespace: "Shop"/],
    [`cr sync --namespace shop --cv ${'x'.repeat(254)}`, /--cv: /],
    [`${sync} --password-stdin`, /--password-stdin: .*--username/],
    [`${sync} --username ci`, /--username: .*--password-stdin/],
    [`${sync} --password s3cret`, /--password: there is no such flag/],
    [`${sync} --port 1`, /--port: there is no such flag/],
    ['cv get -A -n shop', /--namespace.*--all-namespaces/],
    ['cv get -o xml', /--output: "xml" is not allowed; .*table, wide, json, yaml/],
    ['cv', /cvmanager cv: which command\? There is: get/],
    ['cr tag --repo x', /cvmanager cr tag: there is no such command; did you mean cvmanager cr tags\?/],
    ['runn', /cvmanager runn: there is no such command; did you mean cvmanager run\?/],
    ['completion tcsh', /"tcsh".*bash, zsh, fish/],
  ]
  for (const [args, message] of wrong) {
    const { status, out, err } = await runCli(args)
    t.equal(status, 2, args)
    t.match(err, message, args)
    t.match(err, /^error: [^\n]+\n$/, `${args}: one line`)
    t.equal(out, '', args)
  }
})

test('a password on the command line is never printed', async (t) => {
  const { err } = await runCli(`${sync} --password=s3cret`)
  t.notMatch(err, 's3cret')
})

test('a failure at run time prints one line and exits with 1', async (t) => {
  const { status, err } = await runCli('cv get', { failure: new Error('the API server\nis away') })
  t.equal(status, 1)
  t.equal(err, 'error: the API server is away\n')
})

test('every command prints help with examples to standard output, and exits with 0', async (t) => {
  for (const command of ['', 'run', 'cr sync', 'cv get', 'completion']) {
    const { status, out, err } = await runCli(`${command} --help`.trim())
    t.equal(status, 0, command)
    t.match(out, /\nExamples:\n/, command)
    t.equal(err, '', command)
  }
  t.match((await runCli('')).out, 'Commands:')
  t.match((await runCli('help run')).out, '--configmap-key <NS/NAME>')
})

test('the ConfigMap of --configmap-key is read; errors name a bad value or a missing ConfigMap', async (t) => {
  const bad = await runCli('run --configmap-key cd/settings', { configMap: { workers: 'many' } })
  t.equal(bad.status, 2)
  t.match(bad.err, 'ConfigMap cd/settings, key workers: "many" is not allowed')
  const none = await runCli('run --configmap-key cd/settings')
  t.equal(none.status, 2)
  t.match(none.err, 'there is no ConfigMap settings in namespace cd')
  const good = await runCli('run --configmap-key cd/settings --port 1', { configMap: { workers: '3', port: '2' } })
  t.equal(good.status, 0)
  t.match(good.requests, [
    { namespace: 'cd', name: 'settings' },
    { workers: 3, port: 1 },
  ])
})

test('run accepts switches both ways, and repeated flags', async (t) => {
  const flags =
    '--history --no-leader-election --watch-namespace a --watch-namespace b,c --insecure-registry localhost:5000'
  const { requests } = await runCli(`run ${flags}`)
  t.match(requests.slice(1), [
    { history: true, leaderElection: false, watchNamespaces: ['a', 'b', 'c'], insecureRegistries: ['localhost:5000'] },
  ])
  const { requests: off } = await runCli('run --no-history', { env: { CVMANAGER_HISTORY: 'true' } })
  t.match(off.slice(1), [{ history: false }])
})

test('cr sync reports the outcome of the rollout and its cause, also by its exit status', async (t) => {
  const expected = {
    UpToDate: [0, 'is up to date'],
    RolledOut: [0, 'was rolled out'],
    Held: [0, 'is held'],
    RolledBack: [1, 'failed'],
    Failed: [1, 'failed'],
  } as const
  for (const [outcome, [status, words]] of Object.entries(expected)) {
    const result = {
      outcome: outcome as keyof typeof expected,
      message: 'v2: exits with 1,\nAuthorization: Bearer abcdefgh',
    }
    const { out, ...ended } = await runCli(`${sync} --once`, { result })
    t.equal(ended.status, status, outcome)
    t.equal(out, `ContainerVersion shop/web-cv ${words}: v2: exits with 1, Authorization: Bearer [redacted]\n`, outcome)
  }
})

test('cr sync names what holds a version that it has not tried, and until when', async (t) => {
  const said = async (result: SyncResult) => (await runCli(`${sync} --once`, { result })).out
  const heldUntil = Date.parse('2026-01-02T03:04:35Z')
  t.equal(
    await said({ outcome: 'Held', message: 'v2 is put back', heldBy: 'ImageReset', heldUntil }),
    'ContainerVersion shop/web-cv is held by ImageReset until 2026-01-02T03:04:35Z: v2 is put back\n',
  )
  t.equal(
    await said({ outcome: 'RolledBack', message: 'v2 failed', heldBy: 'Quarantine' }),
    'ContainerVersion shop/web-cv is held by Quarantine: v2 failed\n',
  )
})

test('cr sync passes on its flags', async (t) => {
  const { sync: request } = await runCli(`${sync} --once --provider oci --insecure-registry localhost:5000`)
  t.match(request, { namespace: 'shop', name: 'web-cv', provider: 'oci', once: true, credentials: undefined })
  t.same(request?.settings.insecureRegistries, ['localhost:5000'])
  t.match((await runCli(sync)).sync, { once: false, provider: undefined })
})

test('B50 a password from standard input or the environment reaches the registry', async (t) => {
  const expected = { kind: 'basic', username: 'ci', password: 's3 cret' }
  const piped = await runCli(`${sync} --username ci --password-stdin`, { stdin: 's3 cret\n' })
  t.same(piped.sync?.credentials, expected)
  const env = { CVMANAGER_REGISTRY_USERNAME: 'ci', CVMANAGER_REGISTRY_PASSWORD: 's3 cret' }
  t.same((await runCli(sync, { env })).sync?.credentials, expected)
  const empty = await runCli(`${sync} --username ci --password-stdin`)
  t.equal(empty.status, 2)
  t.match(empty.err, '--password-stdin: the password is empty')
  t.match(
    (await runCli(sync, { env: { CVMANAGER_REGISTRY_USERNAME: 'ci' } })).err,
    'CVMANAGER_REGISTRY_PASSWORD: the password is empty',
  )
})

test('the program itself has the same exit statuses, and prints no stack', async (t) => {
  const [version, wrong] = await Promise.all([
    spawned(t, '../main.ts', ['version', '-o', 'json']).ended,
    spawned(t, '../main.ts', ['run', '--port', 'x']).ended,
  ])
  t.equal(version.status, 0)
  t.match(JSON.parse(version.stdout), { version: /^\d+\.\d+\.\d+/, node: /^\d+/ })
  t.equal(wrong.status, 2)
  t.equal(wrong.stderr, 'error: --port: "x" is not allowed; it must be a whole number from 0 to 65535\n')
})

test('a defect ends the process with one line, which keeps the secrets of its message', async (t) => {
  const message = 'GET https://ci:hunter2@registry.example.com/v2/ with Authorization: Bearer abcdef123456'
  const defect = `process.on('newListener', (event) => {
    if (event === 'uncaughtException') setImmediate(() => { throw new Error(${JSON.stringify(message)}) })
  })`
  const directory = t.testdir({ 'defect.mjs': defect })
  for (const level of ['info', 'debug']) {
    const env = { NODE_OPTIONS: `--import=${directory}/defect.mjs`, CVMANAGER_LOG_LEVEL: level }
    // Waits for the password.
    const args = ['cr', 'tags', 'get', '--repo', 'x', '--version', 'v1', '--username', 'ci', '--password-stdin']
    const { status, stderr } = await spawned(t, '../main.ts', args, env).ended
    t.equal(status, 1, level)
    t.match(stderr, /^error: a defect in cvmanager: GET https:\/\/\[redacted\]@registry\.example\.com/, level)
    t.notMatch(stderr, /hunter2|abcdef123456/, level)
    t.equal(/\n +at /.test(stderr), level === 'debug', 'the stack is for developers')
  }
})

import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { askHelper, parseHelperAnswer } from './credential-helpers.ts'
import { parseHelperNames, parsePullSecret } from './docker-config.ts'
import { DockerLogins } from './docker-logins.ts'

/** Puts a helper into a PATH of its own: a shell script that has the server's name in `$server`. */
async function helper(t: Test, name: string, script: string): Promise<NodeJS.ProcessEnv> {
  const directory = t.testdir({})
  const file = join(directory, `docker-credential-${name}`)
  await writeFile(file, `#!/bin/sh\n[ "$1" = get ] || exit 9\nread -r server || true\n${script}\n`)
  await chmod(file, 0o755)
  return { ...process.env, PATH: `${directory}${delimiter}${process.env.PATH}` }
}

t.test('a helper is asked for one registry on its standard input', async (t) => {
  const env = await helper(
    t,
    'test',
    'echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"s3cret\\"}"',
  )
  t.same(await askHelper('test', 'registry.example.com', env), {
    kind: 'basic',
    username: 'registry.example.com',
    password: 's3cret',
  })
  t.match(await askHelper('test', 'docker.io', env), { username: 'https://index.docker.io/v1/' })
})

t.test('the user <token> means an identity token', async (t) => {
  t.same(parseHelperAnswer('{"Username":"<token>","Secret":"refresh"}'), { kind: 'identity-token', token: 'refresh' })
  for (const answer of ['', 'null', '[]', '{}', '{"Username":"ann"}', '{"Username":"","Secret":"x"}', '"x"', '7']) {
    t.equal(parseHelperAnswer(answer), undefined, answer)
  }
})

t.test('a helper may have no credentials, and one that fails is named without its output', async (t) => {
  const none = await helper(t, 'none', 'echo "credentials not found in native keychain"; exit 1')
  t.equal(await askHelper('none', 'registry.example.com', none), undefined)
  for (const [name, script, how] of [
    ['broken', 'echo hunter2; exit 3', /ended with status 3/],
    ['garbage', 'echo hunter2', /not the JSON object/],
    ['endless', 'while :; do echo hunter2hunter2hunter2hunter2hunter2hunter2; done', /too long/],
  ] as const) {
    const env = await helper(t, name, script)
    const error: unknown = await askHelper(name, 'registry.example.com', env).catch((error: unknown) => error)
    t.match(error, { name: 'TransientError', reason: 'CredentialHelperFailed', message: how })
    t.match((error as Error).message, `docker-credential-${name}`)
    t.notMatch((error as Error).message, 'hunter2')
  }
  await t.rejects(askHelper('missing', 'registry.example.com'), { message: /no such program in PATH/ })
})

t.test('a helper takes precedence over the file for its own host, and runs again only after a refusal', async (t) => {
  const asked: string[] = []
  const ask: typeof askHelper = (name, host) => {
    asked.push(`${name} ${host}`)
    if (name === 'empty') return Promise.resolve(undefined)
    return Promise.resolve({ kind: 'basic', username: `${name}${asked.length}`, password: 'x' })
  }
  const auth = { username: 'file', password: 'x' }
  const text = JSON.stringify({
    auths: { 'a.example.com': auth, 'b.example.com': auth, 'https://index.docker.io/v1/': {} },
    credHelpers: { 'a.example.com': 'gcloud', 'b.example.com': 'empty' },
    credsStore: 'desktop',
  })
  const config = [{ pattern: 'b.example.com', credentials: { kind: 'basic', ...auth } as const }]
  const logins = new DockerLogins(config, parseHelperNames(text, 'the file x'), { ask })
  const userOf = async (host: string, afresh = false) => {
    const found = await logins.for({ host, path: 'shop/web' }, afresh)
    return found.kind === 'basic' ? found.username : found.kind
  }
  t.equal(await userOf('a.example.com'), 'gcloud1')
  t.equal(await userOf('a.example.com'), 'gcloud1')
  t.equal(await userOf('a.example.com', true), 'gcloud2')
  t.equal(await userOf('b.example.com'), 'file', 'where it has none')
  t.equal(await userOf('docker.io'), 'desktop4')
  t.same(asked, ['gcloud a.example.com', 'gcloud a.example.com', 'empty b.example.com', 'desktop docker.io'])
})

t.test("a helper's name is part of a program's name and nothing else", async (t) => {
  for (const name of ['../evil', 'a b', 'a;b', 'A', '', 7, `${'a'.repeat(65)}`, 'x/../../bin/sh']) {
    const text = JSON.stringify({ credHelpers: { 'a.example.com': name } })
    t.throws(() => parseHelperNames(text, 'the file x'), { reason: 'PullSecretInvalid', message: /credHelpers/ })
  }
  t.throws(() => parseHelperNames('{"credsStore":"../x"}', 'the file x'), { message: /credsStore/ })
  t.same(parseHelperNames('{"credsStore":""}', 'x'), { byHost: {}, store: undefined })
})

/** A config file that Docker Desktop wrote on Windows, read on Linux (podman-desktop/podman-desktop#5375). */
t.test('a helper that is not installed is told once, and takes nothing away', async (t) => {
  const auths = { 'a.example.com': { username: 'file', password: 'x' } }
  const credHelpers = { 'gcr.io': null, 'quay.io': 'not-installed-here' }
  const text = JSON.stringify({ auths, credHelpers, credsStore: 'desktop.exe' })
  const warnings: string[] = []
  const logins = DockerLogins.parse(text, 'the file x', { warn: (message) => void warnings.push(message) })
  const found = async (host: string, afresh = false) => await logins.for({ host, path: 'shop/web' }, afresh)
  t.match(await found('a.example.com'), { username: 'file' })
  for (const host of ['docker.io', 'gcr.io', 'quay.io']) t.match(await found(host), { kind: 'anonymous' }, host)
  t.match(await found('docker.io', true), { kind: 'anonymous' })
  t.match(warnings, [
    /docker-credential-desktop\.exe .*: there is no such program in PATH/,
    /docker-credential-not-installed-here/,
  ])
  t.same(parseHelperNames('{"credHelpers":null,"credsStore":null}', 'x'), { byHost: {}, store: undefined })
})

t.test('S3 a helper in a pull secret is never run', async (t) => {
  const text = JSON.stringify({ auths: {}, credHelpers: { 'a.example.com': 'evil' }, credsStore: 'evil' })
  const data = { '.dockerconfigjson': Buffer.from(text).toString('base64') }
  t.same(parsePullSecret({ namespace: 'shop', name: 'regcred', data }), [])
})

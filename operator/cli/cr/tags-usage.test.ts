import t from 'tap'
import { runCli } from '../run-cli.fixture.ts'

t.test('a wrong command line prints one line that names the flag, exits with 2, and sends no request', async (t) => {
  const digest = `sha256:${'a'.repeat(64)}`
  const cases: readonly (readonly [string, RegExp])[] = [
    ['tags get --repo REPO', /--version: say which image/],
    ['tags get --version v1', /--repo <REPO>/],
    ['tags get --repo REPO:v1 --version v1', /--repo: .* names one image/],
    ['tags get --repo REPO@sha256:12 --version v1', /--repo: .*is not a digest/],
    ['tags get --repo https://x/y --version v1', /--repo: "https:\/\/x\/y" is not an image reference/],
    ['tags get --repo REPO, --version v1', /--repo: an empty name/],
    ['tags get --repo REPO --version a/b', /--version: "a\/b" is neither a tag nor a digest/],
    ['tags add --repo REPO --version v1', /--tags <TAGS>/],
    ['tags add --repo REPO --version v1 --tags a,,b', /--tags: an empty name in "a,,b"/],
    ['tags add --repo REPO --version v1 --tags -x', /--tags/],
    ['tags add --repo REPO --version v1 --tags a/b', /--tags: "a\/b" is no tag/],
    ['tags add --repo REPO --version v1 --tags a --provider quay.io', /--provider: "quay\.io" is not allowed/],
    ['tags add --repo REPO --version v1 --tags a --output yaml', /--output: "yaml" .*table, json/],
    ['tags add --repo REPO --version v1 --tags a --passswort x', /--passswort: there is no such flag/],
    ['tags add --repo REPO --version v1 --tags a --docker-config /does/not/exist', /--docker-config .*no file/],
    ['tags', /cvmanager cr tags: which command\? There is: get, add, remove/],
    ['tags mv', /cvmanager cr tags mv: there is no such command; there is: get, add, remove/],
    ['resolve', /IMAGE/],
    ['resolve REPO --policy', /--policy: the value is missing; write --policy <POLICY>/],
    [
      'resolve REPO --policy alphabetical',
      /--policy: "alphabetical" is no policy; there is: semver, calendar, numeric, newest/,
    ],
    ['resolve REPO --policy semver', /--policy: write semver=RANGE/],
    ['resolve REPO --policy calendar=', /--policy: write calendar=FORMAT/],
    ['resolve REPO --policy numeric=1', /--policy: write numeric alone, without "=1"/],
    ['resolve REPO --policy numeric --version-syntax x', /--policy.*--version-syntax/],
    ['resolve REPO --filter v.*', /--filter: goes with --policy/],
    ['resolve REPO --policy numeric --extract $1', /--extract: goes with --filter/],
    [
      'resolve REPO:v1 --policy numeric',
      /IMAGE: with --policy give the repository alone, registry\.example\.com\/shop\/web/,
    ],
    [`tags get --repo REPO --version ${digest.slice(0, -1)}`, /--version: "sha256:a+" is neither/],
  ]
  for (const [command, message] of cases) {
    const { status, err, out, requests } = await runCli(
      `cr ${command.replaceAll('REPO', 'registry.example.com/shop/web')}`,
    )
    t.equal(status, 2, command)
    t.match(err, message, command)
    t.match(err, /^error: [^\n]+\n$/, `${command}: one line`)
    t.same([out, requests], ['', []], command)
  }
})

t.test('an invalid pattern is also a usage error', async (t) => {
  const { NeedsChangeError } = await import('../../errors.ts')
  const failure = new NeedsChangeError('VersionSyntaxInvalid', 'spec.versionSyntax "[" is not a pattern')
  const { status, err } = await runCli('cr resolve x:y --version-syntax [', { failure })
  t.same([status, err], [2, 'error: --version-syntax: "[" is not a pattern\n'])
})

t.test('the commands get the values of the flags', async (t) => {
  const { requests } = await runCli(
    'cr tags add --repo a.example.com/x --repo a.example.com/y,a.example.com/x --tags a,b --tags c,a --version v1 --dry-run --provider oci --username ci --password-stdin',
    { stdin: 's3cret' },
  )
  t.match(requests, [
    {
      repositories: [{ name: 'a.example.com/x' }, { name: 'a.example.com/y' }],
      tags: ['a', 'b', 'c'],
      version: { by: 'name', name: 'v1' },
      dryRun: true,
      provider: 'oci',
      credentials: { credentials: { kind: 'basic', username: 'ci', password: 's3cret' } },
    },
  ])
  t.equal((requests[0] as { repositories: unknown[] }).repositories.length, 2)
  t.match((await runCli('cr tags remove --repo x --tags a')).requests, [{ version: undefined, dryRun: false }])
  t.match((await runCli('cr tags get --repo x --version-pattern v.*')).requests, [
    { version: { by: 'pattern', pattern: 'v.*' } },
  ])
})

t.test('each command has a help with examples', async (t) => {
  for (const command of ['cr resolve', 'cr tags get', 'cr tags add', 'cr tags remove']) {
    const { status, out } = await runCli(`${command} --help`)
    t.equal(status, 0, command)
    t.match(out, /\nExamples:\n/, command)
    t.match(out, 'Exit status: 0 done; 1 failed; 2 a flag is wrong; 3 there is no such', command)
  }
  t.match((await runCli('cr tags --help')).out, /get .*\n.*add .*\n.*remove /)
})

import { readFileSync } from 'node:fs'
import { test } from 'tap'
import { commandTree } from './program.ts'
import { runCli } from './run-cli.fixture.ts'

const commands = commandTree().leaves.map(({ path }) => path.replace('cvmanager ', ''))
const groups = ['cr', 'cr tags', 'cv']
const helpOf = async (command: string, columns = 80): Promise<string> =>
  (await runCli(`${command} --help`.trim(), { columns })).out

test('every help fits the width of the terminal', async (t) => {
  for (const command of ['', ...groups, ...commands]) {
    for (const columns of [60, 80, 120, 200]) {
      const help = await helpOf(command, columns)
      // Examples are commands to copy; they are written for 80 columns.
      const [flags = '', examples = ''] = help.split('\nExamples:\n')
      for (const line of flags.split('\n')) t.ok(line.length <= columns, `${command} at ${columns}: ${line}`)
      for (const line of examples.split('\n')) t.ok(line.length <= Math.max(columns, 80), `${command}: ${line}`)
    }
  }
})

test('COLUMNS counts before the terminal; a pipe has 80 columns, and a narrow terminal 60', async (t) => {
  const longest = async (fakes: Parameters<typeof runCli>[1]) =>
    Math.max(
      ...((await runCli('run --help', fakes)).out
        .split('\nExamples:')[0]
        ?.split('\n')
        .map((line) => line.length) ?? []),
    )
  const wide = await longest({ columns: 200 })
  t.ok(wide > 120)
  t.equal(await longest({ columns: 80, env: { COLUMNS: '200' } }), wide)
  const piped = await longest({})
  t.ok(piped > 60 && piped <= 80)
  t.equal(await longest({ columns: 80, env: { COLUMNS: 'wide' } }), piped)
  t.equal(await longest({ columns: 20 }), await longest({ columns: 60 }))
})

test('flags stand under the headings of docs/settings.md, in its order, after those of the command itself', async (t) => {
  const page = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')
  const sections = page
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      heading: section.split('\n')[0] ?? '',
      flags: [...section.matchAll(/^\| `(--[a-z0-9-]+)/gm)].map(([, flag = '']) => flag.replace('--', '')),
    }))
    .filter(({ flags }) => flags.length > 0)
  t.equal(sections.length, 7)
  const shown = async (command: string) => {
    const found = new Map<string, string[]>()
    let heading = ''
    for (const line of (await helpOf(command)).split('\nExamples:')[0]?.split('\n') ?? []) {
      if (/^\S.*:$/.test(line)) heading = line.slice(0, -1)
      const flag = /^ {2}(?:-\w, )?--(?:kubeconfig, --)?(?:no-)?([a-z0-9-]+)/.exec(line)?.[1]
      if (flag !== undefined) found.set(heading, [...(found.get(heading) ?? []), flag])
    }
    return found
  }
  const run = await shown('run')
  t.same([...run.keys()], [...sections.map(({ heading }) => heading), 'Flags'])
  for (const { heading, flags } of sections) t.same(run.get(heading), flags, heading)
  t.same([...(await shown('cr sync')).keys()], ['Flags', 'The cluster', 'Rollouts', 'Registries', 'statsd', 'The log'])
  for (const command of ['cr resolve', 'cr tags get', 'cr tags add', 'cr tags remove']) {
    const found = await shown(command)
    t.same(
      [...found.keys()],
      command === 'cr resolve' ? ['Flags', 'Registries'] : ['Flags', 'Registries', 'statsd'],
      command,
    )
    t.same(found.get('Registries')?.slice(0, 4), ['docker-config', 'insecure-registry', 'registry-ca-file', 'mirror'])
  }
})

test('every default and every choice is shown in one form', async (t) => {
  const run = (await helpOf('run')).replaceAll(/\s+/g, ' ')
  t.match(run, '--port <PORT> The port of the HTTP server for /alive, /ready, /version and /metrics (default: 8081)')
  t.match(run, 'The lowest level to log (one of trace, debug, info, warn, error; default: info)')
  t.match(run, '--watch-namespace <NS> The namespaces to watch; may be repeated (default: all namespaces)')
  const get = (await helpOf('cr tags get')).replaceAll(/\s+/g, ' ')
  t.match(get, '(one of table, json; default: table)')
  t.match(get, '--repo <REPO> The repository, without a tag; may be repeated (required)')
  for (const command of ['', ...groups, ...commands]) {
    t.notMatch(await helpOf(command), /\(default [^:]|choices:|\[options\]|^Options:|display help/m, command)
  }
})

test('help X Y is X Y --help, and an unknown word is refused with the nearest command', async (t) => {
  for (const command of ['', ...groups, ...commands]) {
    const { status, out, err } = await runCli(`help ${command}`)
    t.same([status, out, err], [0, await helpOf(command), ''], command)
  }
  const wrong: readonly (readonly [string, string])[] = [
    ['help rn', 'cvmanager rn: there is no such command; did you mean cvmanager run?'],
    ['help cr tags ad', 'cvmanager cr tags ad: there is no such command; did you mean cvmanager cr tags add?'],
    ['help cr zzzzzz', 'cvmanager cr zzzzzz: there is no such command; there is: sync, resolve, tags'],
    ['help run foo', 'cvmanager run foo: there is no such command; cvmanager run has no commands below it'],
    ['help run --port', '--port: there is no such flag; cvmanager help --help shows all flags'],
  ]
  for (const [line, message] of wrong) {
    t.match(await runCli(line), { status: 2, out: '', err: `error: ${message}\n` }, line)
  }
})

test('an argument that a command does not take is refused, with what it takes', async (t) => {
  const complete: Readonly<Record<string, string>> = {
    'cr sync': '-n shop --cv web-cv',
    'cr resolve': 'foo',
    'cr tags get': '--repo x --version v1',
    'cr tags add': '--repo x --version v1 --tags a',
    'cr tags remove': '--repo x --tags a',
    'cv status': 'web',
    'cv wait': 'web',
    'cv reconcile': 'web',
    completion: 'bash',
  }
  const write: Readonly<Record<string, string>> = {
    'cr resolve': 'write cvmanager cr resolve <IMAGE[:TAG]>',
    'cv status': 'write cvmanager cv status <NAME>',
    'cv wait': 'write cvmanager cv wait <NAME>',
    'cv reconcile': 'write cvmanager cv reconcile <NAME>',
    completion: 'write cvmanager completion <shell>',
  }
  for (const command of commands.filter((each) => each !== 'help')) {
    const { status, out, err, requests, sync } = await runCli(`${command} ${complete[command] ?? ''} extra more`)
    const allowed = write[command] ?? 'it takes no arguments'
    t.equal(err, `error: cvmanager ${command}: "extra" "more" is too much; ${allowed}\n`)
    t.same([status, out, requests, sync], [2, '', [], undefined], command)
  }
  t.match(await runCli('completion'), {
    status: 2,
    err: /^error: cvmanager completion: .* write cvmanager completion <shell>\n$/,
  })
})

test('an empty value, a missing one and one flag with two values are refused in one form', async (t) => {
  const tags = 'cr tags get --repo x --version v1'
  const wrong: readonly (readonly [string, string])[] = [
    [
      'run --watch-namespace=',
      '--watch-namespace: the value is empty; write --watch-namespace <NS>, or leave the flag out',
    ],
    [
      'run --kubeconfig=',
      '--kubeconfig, --k8s-config: the value is empty; write --kubeconfig, --k8s-config <FILE>, or leave the flag out',
    ],
    ['cv get -n=', '--namespace: "=" is no name that Kubernetes allows (lower-case letters, digits and -, at most 63)'],
    ['cv get --namespace=', '--namespace: the value is empty; write -n, --namespace <NS>, or leave the flag out'],
    [
      `${tags} --version-pattern=`,
      '--version-pattern: the value is empty; write --version-pattern <PATTERN>, or leave the flag out',
    ],
    [`${tags} --repo=`, '--repo: the value is empty; write --repo <REPO>, or leave the flag out'],
    ['cv get -n', '--namespace: the value is missing; write -n, --namespace <NS>'],
    ['run --port 1 --port 2', '--port: it is given twice, as "1" and "2"; give it once'],
    ['cv get -n a --namespace b', '--namespace: it is given twice, as "a" and "b"; give it once'],
    [`${tags} --output json -o table`, '--output: it is given twice, as "json" and "table"; give it once'],
    [
      'run --kubeconfig a --k8s-config b',
      '--kubeconfig, --k8s-config: it is given twice, as "a" and "b"; give it once',
    ],
    [`${tags} --version v2`, '--version: it is given twice, as "v1" and "v2"; give it once'],
    ['cr tags add --version v1 --tags a', 'cvmanager cr tags add: --repo is missing; write --repo <REPO>'],
    ['cr sync --cv web-cv', 'cvmanager cr sync: --namespace is missing; write -n, --namespace <NS>'],
    ['cv get -A -n shop', '--namespace: it cannot go together with --all-namespaces; leave one of them out'],
    ['completion ksh', 'cvmanager completion: "ksh" is not allowed; it must be one of bash, zsh, fish'],
  ]
  for (const [line, message] of wrong) {
    t.match(await runCli(line), { status: 2, out: '', err: `error: ${message}\n`, requests: [] }, line)
  }
  t.match(await runCli('cv get -n a -n a'), { status: 0, requests: [{ namespace: 'a' }] }, 'twice the same')
  t.match(await runCli('run --watch-namespace a --watch-namespace b'), { status: 0 }, 'a list may be repeated')
})

test('-n stands for --namespace wherever there is one, also in the completion', async (t) => {
  t.match((await runCli('cr sync -n shop --cv web-cv')).sync, { namespace: 'shop' })
  t.match((await runCli('cv get -n shop')).requests, [{ namespace: 'shop' }])
  for (const command of commands) {
    const help = await helpOf(command)
    t.equal(/ --namespace </.test(help), / -n, --namespace </.test(help), command)
  }
  t.match((await runCli('completion fish')).out, /__cvmanager_at " cr sync"' -s n -l namespace/)
})

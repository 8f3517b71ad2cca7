/** `cvmanager migrate`: what it prints, and its exit statuses. The moves of clusters are in e2e/migration.test.ts. */
import { join } from 'node:path'
import t, { test } from 'tap'
import { runCli } from './run-cli.fixture.ts'

const photos = (tag: string) =>
  `apiVersion: custom.k8s.io/v1\nkind: KCD\nmetadata: {name: photos}\nspec: {imageRepo: a/b, tag: ${tag}, selector: {kcdapp: a}}\n`

const folder = t.testdir({
  'a.yaml': photos('env-prod'),
  'b.yml': 'kind: ConfigMap\n',
  'notes.txt': 'no manifest',
  below: { 'c.json': '{"kind": "Secret"}' },
  broken: { 'd.yaml': photos("''") },
  empty: {},
})
const file = (name: string) => join(folder, name)

test('files, folders and standard input become one text', async (t) => {
  t.match(await runCli(`migrate -f ${file('a.yaml')}`), { status: 0, err: '', out: /apiVersion: cvmanager\.io\/v1/ })
  const flat = await runCli(`migrate --filename ${folder}`)
  t.match(flat, { status: 0, out: /ContainerVersion[\s\S]*ConfigMap/ })
  t.notMatch(flat.out, /Secret|no manifest/)
  t.match(await runCli(`migrate -R -f ${folder} -f -`, { stdin: photos('a') }), { status: 1, out: '' })
  t.match(await runCli('migrate -f -', { stdin: photos('a') }), { status: 0, out: /tag: a\n|tag: a,/ })
})

test('what cannot be converted is one line each, and nothing is printed', async (t) => {
  const { status, out, err } = await runCli(`migrate -R -f ${folder}`)
  t.same([status, out], [1, ''])
  t.equal(err, `error: ${file('broken/d.yaml')}, KCD photos: spec.tag is missing; write for example tag: env-prod\n`)
})

test('nothing to convert is exit status 3, and the text is as it was', async (t) => {
  t.match(await runCli(`migrate -f ${file('b.yml')}`), {
    status: 3,
    out: 'kind: ConfigMap\n',
    err: 'warning: there is no ContainerVersion or KCD of the group custom.k8s.io\n',
  })
})

test('without files, it converts the objects of the cluster', async (t) => {
  const converted = { text: 'kind: ContainerVersion\n', converted: 1, problems: [] }
  t.match(await runCli('migrate -n shop', { converted }), {
    status: 0,
    out: converted.text,
    requests: [{ namespace: 'shop' }],
  })
  t.match((await runCli('migrate -A', { converted })).requests, [{ namespace: undefined }])
})

test('--apply says each step, and how it ended', async (t) => {
  const moved = await runCli('migrate --apply --dry-run --timeout 90s', { moved: { result: 'Moved', objects: 2 } })
  t.match(moved, { status: 0, out: 'The API server takes all 2 objects.\n' })
  t.match(moved.requests, [{ dryRun: true, managers: undefined, timeoutMs: 90_000 }])
  t.match(await runCli('migrate --apply'), { status: 0, out: /^Nothing to move: / })
  const late = { result: 'TimedOut', message: 'Pod a/b of the old program is still there' } as const
  t.match(await runCli('migrate --apply', { moved: late }), { status: 5, err: `error: ${late.message}\n` })
  t.match(await runCli('migrate --apply', { moved: { ...late, result: 'Interrupted' } }), { status: 130 })
  const named = await runCli('migrate --apply --old-manager cd/one --old-manager cd/two')
  t.match(named.requests, [
    {
      managers: [
        { namespace: 'cd', name: 'one' },
        { namespace: 'cd', name: 'two' },
      ],
    },
  ])
  t.match((await runCli('migrate --apply --old-manager none')).requests, [{ managers: [] }])
})

test('flags that do not go together are refused', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['migrate --dry-run', /^error: --dry-run: it goes with --apply\n$/],
    ['migrate --old-manager a/b', /^error: --old-manager: it goes with --apply\n$/],
    ['migrate --apply -f a.yaml', /--apply: it cannot go together with --filename/],
    ['migrate --apply -n shop', /--namespace: it cannot go together with --apply/],
    ['migrate -f a.yaml -n shop', /--namespace: it cannot go together with --filename/],
    ['migrate -n shop -A', /--all-namespaces: it cannot go together with --namespace/],
    [
      'migrate --apply --old-manager cvmanagerapp',
      /--old-manager: "cvmanagerapp" is not allowed; write NAMESPACE\/NAME/,
    ],
    ['migrate --apply --timeout soon', /--timeout: "soon" is no duration/],
    [`migrate -f ${file('gone.yaml')}`, /--filename: there is no file .*gone\.yaml/],
    [`migrate -f ${file('gone.yaml/under.yaml')}`, /--filename: there is no file .*under\.yaml/],
    [`migrate -f ${file('empty')}`, /--filename: .*empty has no file that ends in \.yaml, \.yml or \.json/],
  ]
  for (const [line, message] of wrong) t.match(await runCli(line), { status: 2, err: message }, line)
})

/** Command lines of the first cvmanager (2018), as its manifests, its chart and its README had them. */
import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import t, { test } from 'tap'
import { endHeartbeat, heartbeatFile } from '../commands/heartbeat.ts'
import { runCli } from './run-cli.fixture.ts'

// The heartbeat of `cr sync` is there.
process.env.TMPDIR = t.testdir()

const configMap = { version: 'latest' }

const web = {
  ...{ Namespace: 'shop', Name: 'web', Type: 'Deployment', Container: 'app', Version: '1a2b3c4' },
  ...{ AvailablePods: 3, CV: 'web-cv', Tag: 'env-prod' },
}

test('run takes its old flags, and one line says which of them have no effect any more', async (t) => {
  const { status, err, requests } = await runCli(
    'run --configmap-key=kube-system/cvmanager --rollback=false --history --cv-img-repo=nearmap/cvmanager --port 8081 ' +
      '--stats-provider datadog --stats-host 10.0.0.1 --v=1 --vmodule= --logtostderr',
    { configMap },
  )
  t.equal(status, 0)
  t.match(err, /^warning: these flags have no effect any more: [^\n]+\n$/, 'one line')
  for (const flag of ['--cv-img-repo', '--v', '--vmodule', '--logtostderr']) t.match(err, flag)
  t.notMatch(err, /--rollback|--history|--port|--configmap-key|--stats/)
  t.match(requests, [
    { namespace: 'kube-system', name: 'cvmanager' },
    {
      ...{ rollback: false, history: true, port: 8081, version: 'latest' },
      ...{ statsProvider: 'datadog', statsHost: '10.0.0.1' },
    },
  ])
})

test('switches take the values that Go takes', async (t) => {
  const settings = async (flags: string) => (await runCli(`run ${flags}`, { configMap })).requests[1]
  for (const yes of ['--history', '--history=true', '--history=1', '--history=T']) {
    t.match(await settings(yes), { history: true }, yes)
  }
  for (const no of ['--history=false', '--history=0', '--history=F', '--history --history=false', '--no-history']) {
    t.match(await settings(no), { history: false }, no)
  }
  t.match(await settings('--rollback'), { rollback: true })
  t.match(await settings('--use-rollback=false --leader-election=false'), { rollback: false, leaderElection: false })
  t.match(await settings('--logtostderr=false --alsologtostderr=true -v 2 -v=2'), { rollback: true, history: false })
  const odd = await runCli('run --history=maybe')
  t.match(odd, { status: 2, err: 'error: --history: give it no value, or =true or =false\n' })
  t.notMatch((await runCli('cr sync --password-stdin=s3cret')).err, 's3cret')
})

test('run reads ConfigMap kube-system/cvmanager if it is there and may be read', async (t) => {
  const old = await runCli('run', { configMap: { version: '1a2b3c4', region: 'ap-southeast-2' } })
  t.equal(old.status, 0)
  t.match(old.requests, [{ namespace: 'kube-system', name: 'cvmanager' }, { version: '1a2b3c4' }])
  t.match(
    old.err,
    /^warning: ConfigMap kube-system\/cvmanager, key region: there is no such setting, and it is ignored;/,
  )
  t.match(await runCli('run'), { status: 0, err: '' }, 'there is none')
  t.match(await runCli('run', { configMapFailure: new Error('403') }), {
    status: 0,
    err: /^warning: cannot read ConfigMap kube-system\/cvmanager; cvmanager goes on without it: 403\n$/,
  })
  t.match(await runCli('run --configmap-key cd/settings', { configMapFailure: new Error('403') }), { status: 1 })
  t.match((await runCli('cv get')).requests, [{ namespace: undefined }, {}], 'other commands do not')
})

test('cr sync takes the flags that the first controller gave to its syncers', async (t) => {
  const { status, err, sync } = await runCli(
    'cr sync --namespace=shop --cv=web-cv --version=4711 --history=true --rollback=true --logtostderr=true --v=1 --vmodule=',
  )
  t.equal(status, 0)
  t.match(err, /^warning: [^\n]*--version \(the ContainerVersion counts as it is now\)[^\n]*\n$/)
  t.match(sync, { namespace: 'shop', name: 'web-cv', settings: { history: true, rollback: true } })
  const more = await runCli('cr --tag x --repo y --stats-host=z sync --namespace shop --cv web-cv --provider ecr')
  t.match(more, { status: 0, sync: { provider: 'ecr', settings: { statsHost: 'z' } }, err: /--repo .*--tag / })
})

test('cr sync status succeeds while cr sync is alive', async (t) => {
  const status = async (flags: string) => (await runCli(`cr sync status ${flags}`.trim())).status
  endHeartbeat()
  t.match(await runCli('cr sync status --by 5m'), { status: 1, err: /^error: cr sync is not running here/ })
  writeFileSync(heartbeatFile(), '')
  t.equal(await status('--by 300s --logtostderr=true --v=1 --vmodule='), 0)
  const aMinuteAgo = Date.now() / 1000 - 60
  utimesSync(heartbeatFile(), aMinuteAgo, aMinuteAgo)
  t.same(await Promise.all(['', '--by 5m', '--by 1h30m', '--by 1m1.5s'].map(status)), [0, 0, 0, 0])
  t.same(await Promise.all(['--by 59s', '--by=500ms', '--by 0.5m'].map(status)), [1, 1, 1])
  t.same(await Promise.all(['--by 5', '--by 5x', '--by m5', '--by='].map(status)), [2, 2, 2, 2])
  rmSync(heartbeatFile())
})

test('cr tags takes flags before its words, and --version-pattern and --tag beside the others', async (t) => {
  const image = { repositories: [{ name: 'r.example.com/shop/web' }], version: { by: 'name', name: '1a2b3c4' } }
  const lines = [
    'cr tags get --repo r.example.com/shop/web --version 1a2b3c4',
    'cr --repo r.example.com/shop/web tags get --version 1a2b3c4',
    'cr --repo=r.example.com/shop/web --provider oci tags --version 1a2b3c4 get',
    '--logtostderr cr --v 2 --repo r.example.com/shop/web tags --version=1a2b3c4 get',
    'cr tags get --repo r.example.com/shop/web --version 1a2b3c4 --version-pattern [0-9a-f]{5,40}',
    'cr --tag env-prod tags get --repo r.example.com/shop/web --version 1a2b3c4',
  ]
  for (const line of lines) t.match(await runCli(line), { status: 0, requests: [image] }, line)
  const changes = [
    'cr --repo r.example.com/shop/web tags add --tags a,b --version 1a2b3c4',
    'cr --repo r.example.com/shop/web tags --tags a,b --version 1a2b3c4 remove',
    'cr tags --tags a --tags b add --repo r.example.com/shop/web --version 1a2b3c4',
  ]
  for (const line of changes)
    t.match(await runCli(line), { status: 0, requests: [{ ...image, tags: ['a', 'b'] }] }, line)
})

test('cr takes --passsword, and warns', async (t) => {
  const credentials = { kind: 'basic', username: 'ci', password: 's3 cret' }
  const line = 'cr tags add --repo x --tags a --version v1 --username ci --passsword'
  const { status, err, requests } = await runCli([...line.split(' '), 's3 cret'])
  t.equal(status, 0)
  t.match(requests, [{ credentials: { credentials } }])
  t.match(err, /^warning: --passsword: every process on this machine can read it; use --password-stdin\n$/)
  t.notMatch(err, 's3 cret')
  t.match(await runCli('cr --repo x tags --passsword=y get --version v1'), {
    status: 0,
    err: /--passsword: .*has no effect without --username/,
    requests: [{ credentials: undefined }],
  })
})

test('cv takes flags before get', async (t) => {
  t.match(await runCli('cv --k8s-config package.json get'), {
    status: 0,
    requests: [{}, { k8sConfig: 'package.json' }],
  })
  for (const line of [
    '-v 2 cv -n shop -ojson get',
    '-v2 cv -nshop get -o json',
    'cv --namespace=shop --output json -v=2 get',
  ]) {
    t.match(await runCli(line), { status: 0, out: 'null', requests: [{ namespace: 'shop' }, {}] }, line)
  }
})

test('the commands of the README of 2018 run with its flags', async (t) => {
  const env = { REGION: 'us-east-1', AWS_DEFAULT_REGION: 'us-east-1', VERSION: '3ae8d1b' }
  const kubeconfig = '--k8s-config package.json'
  const repository = { repositories: [{ name: 'nearmap/cvmanager' }] }
  const tags = ['env-audev-api', 'env-usdev-api']
  const lines: readonly (readonly [string, readonly unknown[]])[] = [
    [`run ${kubeconfig} --configmap-key=kube-system/cvmanager`, [{ name: 'cvmanager' }, { k8sConfig: 'package.json' }]],
    [`cr tags get --repo nearmap/cvmanager --version 3ae8d1b`, [{ ...repository, version: { name: '3ae8d1b' } }]],
    // Its README had "remove" under "Add Tag", and meant this.
    [`cr tags add --repo nearmap/cvmanager --tags ${tags} --version 3ae8d1b`, [{ ...repository, tags }]],
    [`cr tags remove --repo nearmap/cvmanager --tags ${tags} --version 3ae8d1b`, [{ ...repository, tags }]],
    [`cr tags remove --repo nearmap/cvmanager --tags ${tags}`, [{ ...repository, tags, version: undefined }]],
    [`cv get ${kubeconfig}`, [{ namespace: undefined }, { k8sConfig: 'package.json' }]],
  ]
  for (const [line, requests] of lines)
    t.match(await runCli(line, { configMap, env, versions: [web] }), { status: 0, err: '', requests }, line)
  const sync = await runCli(`cr sync --namespace=usdev-api --provider=ecr --cv=photos-cv ${kubeconfig}`, { env })
  t.match(sync, { status: 0, err: '', sync: { namespace: 'usdev-api', name: 'photos-cv', provider: 'ecr' } })
})

test('each command line of docs/migration.md runs, with a warning where the page says so', async (t) => {
  writeFileSync(heartbeatFile(), '')
  const page = readFileSync(new URL('../../docs/migration.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `cvmanager ([^`]+)` \| (.+) \|$/gm)]
  t.ok(rows.length > 20)
  for (const [, line = '', now = ''] of rows) {
    // The file has to exist.
    const { status, err } = await runCli(line.replace('~/.kube/config', 'package.json'), { configMap, versions: [web] })
    t.equal(status, 0, line)
    t.match(err, now.startsWith('a warning') ? /^warning: [^\n]+\n$/ : /^$/, line)
  }
})

test('neither help nor completion shows what is old', async (t) => {
  for (const command of ['run', 'cr sync', 'cr tags get', 'cr tags add', 'cv get']) {
    const { out } = await runCli(`${command} --help`)
    t.notMatch(out, /--logtostderr|--cv-img-repo|--passsword|--tag |-v, --v|--use-rollback|^ +status/m, command)
  }
  for (const shell of ['bash', 'zsh', 'fish']) {
    t.notMatch((await runCli(`completion ${shell}`)).out, /logtostderr|cv-img-repo|passsword/, shell)
  }
})

test('a wrong line is still refused, and names what is wrong', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['cr --repo x', /cvmanager cr: which command\? There is: sync, resolve, tags/],
    ['cr --repo x tag get', /cvmanager cr tag: there is no such command; did you mean cvmanager cr tags\?/],
    ['cr --rpo x tags get', /--rpo: there is no such flag/],
    ['cr --password=s3cret tags get', /--password: there is no such flag/],
    ['--prot 1 run', /--prot: there is no such flag/],
    ['--repo x', /--repo: there is no such flag/],
    ['run --v', /--v: the value is missing; write -v, --v <LEVEL>/],
    ['cr sync status --namespace shop', /--namespace: there is no such flag/],
  ]
  for (const [line, message] of wrong) {
    const { status, err } = await runCli(line)
    t.same([status, message.test(err)], [2, true], `${line}: ${err}`)
  }
  t.match((await runCli('--version')).out, /^\d+\.\d+/)
  t.match((await runCli('cr --help')).out, 'Usage: cvmanager cr')
  t.match((await runCli('cr sync --help')).out, 'Usage: cvmanager cr sync')
})

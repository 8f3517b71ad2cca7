import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { noBrowser } from '../harness/browser.ts'
import { noPromtool } from '../harness/on-path.ts'
import { locateMoto, motoDirectory } from './install-moto.ts'
import { locate } from './locate.ts'
import { withLock } from './lock.ts'
import { kubernetesVersion, programNames, toolsDirectory, wantedGo } from './programs.ts'

interface Outcome {
  readonly status: number
  readonly output: string
  readonly complaint: string
}

function build(env: NodeJS.ProcessEnv): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'build.ts')], { env }, (error, output, complaint) =>
      resolve({ status: Number(error?.code ?? 0), output, complaint }),
    )
  })
}

/** Writes a program that prints one line. */
function fakeProgram(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\necho '${line}'\n`)
  chmodSync(path, 0o755)
}

function cacheWithAllPrograms(root: string): void {
  const cache = toolsDirectory({ CVMANAGER_TOOLS: root })
  mkdirSync(cache, { recursive: true })
  for (const name of programNames) fakeProgram(join(cache, name), name)
}

function cacheWithMoto(root: string): void {
  const bin = join(motoDirectory({ CVMANAGER_TOOLS: root }), 'bin')
  mkdirSync(bin, { recursive: true })
  fakeProgram(join(bin, 'python'), 'Python')
}

t.test('the cache is per user, and the environment moves it', async (t) => {
  t.match(toolsDirectory({ CVMANAGER_TOOLS: '/x' }), /^\/x\/[0-9a-f]{12}-\w+-\w+$/)
  t.match(toolsDirectory({ XDG_CACHE_HOME: '/y' }), /^\/y\/cvmanager\/tools\//)
  t.match(toolsDirectory({ XDG_CACHE_HOME: 'relative' }), /\/\.cache\/cvmanager\/tools\//)
  t.match(kubernetesVersion, /^v1\.\d+\.\d+$/)
})

t.test('with all programs in the cache the build only says so, even without Go', async (t) => {
  const root = t.testdir()
  cacheWithAllPrograms(root)
  cacheWithMoto(root)
  const { status, output } = await build({ CVMANAGER_TOOLS: root, PATH: '' })
  t.equal(status, 0)
  t.same(output.split('\n'), [
    `Test tools are ready in ${toolsDirectory({ CVMANAGER_TOOLS: root })}`,
    `Without a browser, the tests of the pages are skipped: ${noBrowser}`,
    `Without promtool, the test of the alert rules is skipped: ${noPromtool}`,
    '',
  ])
})

t.test('the build says at once that Go is missing or too old', async (t) => {
  const root = t.testdir({ bin: {} })
  const env = {
    CVMANAGER_TOOLS: join(root, 'tools'),
    CVMANAGER_TOOLS_RELEASES: 'none',
    PATH: join(root, 'bin'),
    HOME: root,
  }
  const without = await build(env)
  t.equal(without.status, 1)
  t.match(without.complaint, `Go ${wantedGo} or newer is needed to build the test bed, and there is no "go" on PATH`)

  fakeProgram(join(root, 'bin', 'go'), '{"GOVERSION":"go1.21.3","GOCACHE":"/","GOMODCACHE":"/","GOTMPDIR":""}')
  const old = await build({ ...env, PATH: `${join(root, 'bin')}:${process.env.PATH}` })
  t.equal(old.status, 1)
  t.match(old.complaint, 'and go1.21.3 is installed: install it from https://go.dev/dl/')
  t.notOk(existsSync(join(root, 'tools')))
})

t.test('the build says what Python lacks, after it has built everything else', async (t) => {
  const root = t.testdir({ bin: {}, tools: {} })
  const env = { CVMANAGER_TOOLS: join(root, 'tools'), PATH: join(root, 'bin'), HOME: root }
  cacheWithAllPrograms(env.CVMANAGER_TOOLS)
  const python = (script: string) => {
    writeFileSync(join(root, 'bin', 'python3'), `#!/bin/sh\n${script}\n`)
    chmodSync(join(root, 'bin', 'python3'), 0o755)
  }
  const cases = [
    [() => undefined, 'and there is no "python3" on PATH that runs: install Python 3'],
    [
      () => python('echo 3 8'),
      'Python 3.10 or newer is needed for moto, the AWS stand-in of the tests, and "python3" is 3.8',
    ],
    [() => python('case "$2" in *venv*) exit 1;; esac; echo 3 12'), '"python3" cannot create virtual environments'],
  ] as const
  for (const [prepare, message] of cases) {
    prepare()
    const { status, output, complaint } = await build(env)
    t.equal(status, 1)
    t.match(complaint, message)
    t.match(output, 'Test tools are ready in')
  }
  t.equal(locateMoto(env), undefined)
})

t.test('programs of KUBEBUILDER_ASSETS are used if they are new enough', async (t) => {
  const root = t.testdir({ old: {}, recent: {}, tools: {} })
  cacheWithAllPrograms(join(root, 'tools'))
  for (const [folder, version] of [
    ['old', 'v1.29.4'],
    ['recent', 'v1.35.0'],
  ] as const) {
    for (const name of ['etcd', 'kubectl']) fakeProgram(join(root, folder, name), name)
    fakeProgram(join(root, folder, 'kube-apiserver'), `Kubernetes ${version}`)
  }
  const env = (folder: string) => ({ CVMANAGER_TOOLS: join(root, 'tools'), KUBEBUILDER_ASSETS: join(root, folder) })
  t.match(locate('kubectl', env('recent')), { from: 'KUBEBUILDER_ASSETS', path: join(root, 'recent', 'kubectl') })
  t.match(locate('kubectl', env('old')), { from: 'cache' })
  t.match(locate('kwok', env('recent')), { from: 'cache' })
})

t.test('programs on PATH are used only if the environment says so', async (t) => {
  const root = t.testdir({ bin: {} })
  fakeProgram(join(root, 'bin', 'kubectl'), 'kubectl')
  const env = { CVMANAGER_TOOLS: root, PATH: join(root, 'bin') }
  t.equal(locate('kubectl', env), undefined)
  t.match(locate('kubectl', { ...env, CVMANAGER_TOOLS_FROM_PATH: '1' }), { from: 'PATH' })
})

t.test('two builds take turns, and a new build takes over the lock of a dead one', async (t) => {
  const path = join(t.testdir(), 'lock')
  const log: string[] = []
  const turn = (name: string) =>
    withLock(
      path,
      () => log.push(`${name} waits`),
      async () => {
        log.push(`${name} begins`)
        await new Promise((resolve) => setTimeout(resolve, 100))
        log.push(`${name} ends`)
      },
    )
  await Promise.all([turn('a'), turn('b')])
  t.same(log, ['a begins', 'b waits', 'a ends', 'b begins', 'b ends'])

  writeFileSync(path, '2147483646\n')
  await turn('c')
  t.match(log.slice(5), ['c begins', 'c ends'])
  t.notOk(existsSync(path))
})

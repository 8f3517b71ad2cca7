import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { test } from 'tap'
import { buildInto } from './build.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const checkout = t.testdir({ bin: {} })
const program = join(checkout, 'bin/cvmanager')
copyFileSync(here('../bin/cvmanager'), program)
symlinkSync(here('../node_modules'), join(checkout, 'node_modules'))
const run = (...args: string[]) => spawnSync(program, args, { encoding: 'utf8' })

test('before the first build, the program names the command to run', async (t) => {
  const { status, stderr } = run('version')
  t.equal(status, 1)
  t.match(stderr, /^error: cvmanager is not built yet; run: make -C '.*' build\n$/)
})

test('the bundle is one file, and each package in it is listed with its version and licence', async (t) => {
  const { packages } = await buildInto(join(checkout, 'dist'))
  t.ok(packages.length > 10, `${packages.length} packages`)
  t.notOk(packages.some(({ name }) => /^(tap|typescript|esbuild|fast-check|@sinclair\/typebox)$/.test(name)))
  const lines = readFileSync(join(checkout, 'dist/packages.txt'), 'utf8').trimEnd().split('\n')
  t.equal(lines.length, packages.length)
  for (const line of lines) t.match(line, /^\S+ \d+\.\d+\.\d+\S* \S+/)
})

test('S10 the same sources make the same bundle, and the same list of what is in it', async (t) => {
  const again = t.testdir()
  await buildInto(again)
  for (const file of ['cvmanager.js', 'cvmanager.cdx.json', 'packages.txt']) {
    t.ok(readFileSync(join(again, file)).equals(readFileSync(join(checkout, 'dist', file))), file)
  }
  const { components } = JSON.parse(readFileSync(join(again, 'cvmanager.cdx.json'), 'utf8')) as Sbom
  const names = components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name} ${version} `)
  const lines = readFileSync(join(again, 'packages.txt'), 'utf8').trimEnd().split('\n')
  for (const line of lines)
    t.ok(
      names.some((name) => line.startsWith(name)),
      `the SBOM has ${line}`,
    )
})

interface Sbom {
  readonly components: readonly { readonly group?: string; readonly name: string; readonly version: string }[]
}

test('the built program runs with the right Node from any directory, also through a link', async (t) => {
  const { version } = JSON.parse(readFileSync(here('../package.json'), 'utf8'))
  const link = join(t.testdir(), 'cvmanager')
  symlinkSync(program, link)
  for (const path of [program, link]) {
    const { stdout, stderr, status } = spawnSync(path, ['version', '-o', 'json'], { encoding: 'utf8', cwd: '/' })
    t.equal(status, 0, stderr)
    t.match(JSON.parse(stdout), { version, commit: /^([0-9a-f]{12}(-dirty)?|unknown)$/, node: /^(2[4-9]|[3-9]\d)\./ })
  }
})

test('the program passes on the exit status and messages of cvmanager', async (t) => {
  const { status, stderr } = run('run', '--port', 'x')
  t.equal(status, 2)
  t.equal(stderr, 'error: --port: "x" is not allowed; it must be a whole number from 0 to 65535\n')
})

test('a signal reaches cvmanager itself, not a shell around it', async (t) => {
  const args = ['cr', 'sync', '--namespace', 'shop', '--cv', 'web-cv', '--username', 'ci', '--password-stdin']
  // Waits for a password that never comes.
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const commandLine = () => spawnSync('ps', ['-o', 'args=', '-p', String(child.pid)], { encoding: 'utf8' }).stdout
  while (!commandLine().includes('dist/cvmanager.js')) await sleep(10)
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))
  child.kill('SIGTERM')
  t.equal(await ended, 'SIGTERM')
})

test("without the checkout's Node, as in an image, the machine's is used, and an older one is refused", async (t) => {
  const machine = join(t.testdir(), 'machine')
  mkdirSync(machine)
  rmSync(join(checkout, 'node_modules'))
  t.teardown(() => symlinkSync(here('../node_modules'), join(checkout, 'node_modules')))
  const env = { PATH: `${machine}:/usr/bin:/bin` }
  symlinkSync(process.execPath, join(machine, 'node'))
  const right = spawnSync(program, ['version'], { encoding: 'utf8', env })
  t.equal(right.status, 0, right.stderr)
  t.match(right.stdout, /^cvmanager .* Node 2\d\./)
  rmSync(join(machine, 'node'))
  symlinkSync('/bin/false', join(machine, 'node'))
  const { status, stderr } = spawnSync(program, ['version'], { encoding: 'utf8', env })
  t.equal(status, 1)
  t.match(stderr, 'cvmanager needs Node 24')
})

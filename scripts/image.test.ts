import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Test, test } from 'tap'

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const read = (name: string): string => readFileSync(path(name), 'utf8')

test('B48 S8 the image has a user with a number, and no base is named latest', async (t) => {
  const dockerfile = read('Dockerfile')
  t.match(dockerfile, /^USER [1-9]\d*:[1-9]\d*$/m)
  const bases = [...dockerfile.matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, image = '']) => image)
  t.equal(bases.length, 2)
  for (const base of bases) t.match(base, /:(?!latest$)[\w.-]+$/, base)
})

test('the image starts Node with the flags of bin/cvmanager', async (t) => {
  const flagsIn = (text: string) => [...new Set(text.match(/--(?:no-)?(?:maglev|optimize|max|disable)[\w=-]*/g))].sort()
  const flags = flagsIn(read('bin/cvmanager'))
  t.ok(flags.length >= 5, flags.join(' '))
  t.same(flagsIn(read('image/cvmanager')), flags)
  for (const file of ['bin/cvmanager', 'image/cvmanager']) t.match(read(file), /MALLOC_ARENA_MAX\W+1\b/, file)
})

/** Runs a script with nothing on PATH but these programs, each of which does what the shell's lines say. */
function runWith(
  t: Test,
  script: string,
  programs: Readonly<Record<string, string>>,
  env: Record<string, string> = {},
) {
  const bin = t.testdir()
  symlinkSync('/bin/sh', join(bin, 'sh'))
  for (const [name, lines] of Object.entries(programs)) {
    const file = join(bin, name)
    writeFileSync(file, `#!${join(bin, 'sh')}\n${lines}\n`)
    chmodSync(file, 0o755)
  }
  return spawnSync(process.execPath, [path(script)], { encoding: 'utf8', env: { PATH: bin, ...env } })
}

const engine = { docker: 'echo 28.0.0' }
const answers = { ...engine, kubectl: ':', helm: ':', kind: 'if [ "$1 $2" = "get clusters" ]; then echo other; fi' }

for (const target of ['image', 'deploy', 'undeploy']) {
  test(`make ${target} says that docker is missing, and where it is from`, async (t) => {
    const { status, stderr } = runWith(t, `scripts/${target}.ts`, {})
    t.equal(status, 1)
    t.match(stderr, new RegExp(`^make ${target}: docker is not on PATH. Install Docker \\(https://`))
  })

  test(`make ${target} says that no engine answers, and what to do`, async (t) => {
    const docker = 'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1'
    const { status, stderr } = runWith(t, `scripts/${target}.ts`, { docker })
    t.equal(status, 1)
    t.match(stderr, `make ${target}: no container engine answers (Cannot connect to the Docker daemon`)
    t.match(stderr, 'Start Docker, or let DOCKER_HOST name one')
  })
}

for (const target of ['deploy', 'undeploy']) {
  test(`make ${target} says which program is missing, and where it is from`, async (t) => {
    const { status, stderr } = runWith(t, `scripts/${target}.ts`, engine)
    t.equal(status, 1)
    t.equal(stderr, `make ${target}: kind is not on PATH. Install it: https://kind.sigs.k8s.io/docs/user/quick-start\n`)
  })

  test(`make ${target} says that there is no such cluster, how to create it, and which there are`, async (t) => {
    const { status, stderr } = runWith(t, `scripts/${target}.ts`, answers, { KIND_CLUSTER: 'shop' })
    t.equal(status, 1)
    t.equal(
      stderr,
      `make ${target}: there is no kind cluster "shop". Create it: kind create cluster --name shop, or let KIND_CLUSTER name one of: other\n`,
    )
  })
}

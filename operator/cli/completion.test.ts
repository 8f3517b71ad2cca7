import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { runCli } from './run-cli.fixture.ts'

/** The words that bash offers for `line`, with the cursor at its end. */
async function offers(line: string, cwd = '.'): Promise<readonly string[]> {
  const { out: script } = await runCli('completion bash')
  // Like readline, break words at spaces and around each `=`.
  const words = line.split(/ |(?==)|(?<==)/)
  const program = `${script}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
    $(complete -p cvmanager | sed -E 's/.*-F ([^ ]+).*/\\1/') 2>/dev/null
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = spawnSync('bash', ['--norc', '-c', program], { encoding: 'utf8', cwd })
  return stdout.split('\n').filter((offer) => offer !== '')
}

test('bash offers the commands that begin with the word', async (t) => {
  t.strictSame((await offers('cvmanager ')).slice(0, 5), ['run', 'cr', 'cv', 'migrate', 'version'])
  t.strictSame(await offers('cvmanager c'), ['cr', 'cv', 'completion'])
  t.strictSame(await offers('cvmanager cr s'), ['sync'])
  t.strictSame(await offers('cvmanager cr t'), ['tags'])
  t.strictSame((await offers('cvmanager cr tags ')).slice(0, 3), ['get', 'add', 'remove'])
  t.strictSame((await offers('cvmanager cv ')).slice(0, 4), ['get', 'status', 'wait', 'reconcile'])
  t.strictSame(await offers('cvmanager help c'), ['cr', 'cv', 'completion'])
  t.strictSame(await offers('cvmanager help cr tags r'), ['remove'])
  t.strictSame(await offers('cvmanager completion '), ['bash', 'zsh', 'fish', '-h', '--help'])
})

test('bash offers the flags of the command being typed', async (t) => {
  t.strictSame(await offers('cvmanager run --insec'), ['--insecure-registry'])
  t.strictSame(await offers('cvmanager cr sync --namespace run --pass'), ['--password-stdin'])
  t.strictSame(await offers('cvmanager cv get --pass'), [])
  t.strictSame(await offers('cvmanager cr sync -n shop --kube'), ['--kubeconfig'])
  t.strictSame(await offers('cvmanager cv wait web --'), [
    '--namespace',
    '--version',
    '--timeout',
    '--output',
    '--kubeconfig',
    '--k8s-config',
    '--context',
    '--help',
  ])
  t.strictSame(await offers('cvmanager cv status web --wa'), ['--watch'])
  t.strictSame(await offers('cvmanager cr tags add --ver'), ['--version', '--version-pattern'])
})

test('bash offers the allowed values of a flag, also after =', async (t) => {
  t.strictSame(await offers('cvmanager cv get -o '), ['table', 'wide', 'json', 'yaml'])
  t.strictSame(await offers('cvmanager cv get --output=j'), ['json'])
  t.strictSame(await offers('cvmanager cv wait -o '), ['text', 'json', 'yaml'])
  t.strictSame(await offers('cvmanager cv wait --timeout '), [])
  t.strictSame(await offers('cvmanager run --log-level de'), ['debug'])
  t.strictSame(await offers('cvmanager cr tags add --provider docker'), ['dockerhub'])
  t.strictSame(await offers('cvmanager cr resolve --policy '), ['semver=', 'calendar=', 'numeric', 'newest'])
  t.strictSame(await offers('cvmanager cr resolve --policy ne'), ['newest'])
  t.strictSame(await offers('cvmanager run --port '), [])
})

test('bash offers files for a flag that takes a file or a folder, also with spaces in the name', async (t) => {
  const cwd = t.testdir()
  writeFileSync(join(cwd, 'kube config'), '')
  mkdirSync(join(cwd, 'kube.d'))
  for (const flag of ['--k8s-config', '--kubeconfig', '--webhook-secrets-dir']) {
    t.strictSame([...(await offers(`cvmanager run ${flag} ku`, cwd))].sort(), ['kube config', 'kube.d'], flag)
  }
})

for (const [shell, flags] of [
  ['zsh', ['-n']],
  ['fish', ['--no-execute']],
] as const) {
  const missing = spawnSync(shell, ['-c', 'true']).error !== undefined
  test(`${shell} can parse its script`, { skip: missing && `${shell} is not installed` }, async (t) => {
    const file = join(t.testdir(), 'script')
    writeFileSync(file, (await runCli(`completion ${shell}`)).out)
    const { status, stderr } = spawnSync(shell, [...flags, file], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
  })
}

test('the scripts for all shells have every command and its flags', async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { out } = await runCli(`completion ${shell}`)
    for (const word of [
      'run',
      'sync',
      'resolve',
      'tags',
      'remove',
      'get',
      'version',
      'k8s-config',
      'password-stdin',
      'all-namespaces',
      'status',
      'wait',
      'reconcile',
      'timeout',
      'watch',
    ]) {
      t.match(out, word, `${shell}: ${word}`)
    }
  }
})

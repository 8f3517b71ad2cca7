import { execFile, spawnSync } from 'node:child_process'
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Test } from 'tap'
import { stringify } from 'yaml'
import { toolPath } from '../../harness/tools.ts'
import type { Bed } from '../bed.ts'
import { containerVersion } from '../manifests.ts'
import { bundle } from '../operator.ts'
import { World } from '../world.ts'

const root = join(import.meta.dirname, '../../..')

interface Installed {
  readonly directory: string
  readonly env: NodeJS.ProcessEnv
}

/** The names of the cluster, in the shells of users and in kubectl, with the program as it is installed. */
export async function completion(t: Test, bed: Bed): Promise<void> {
  const shop = new World(bed, await bed.cluster.namespace('shop'))
  for (const name of ['web', 'worker', 'api']) await shop.makes(containerVersion(name, 'shop', spec(name)))
  await bed.cluster.namespace('shipping')
  const installed = await install(bed)

  await t.test('kubectl completes the plugin: its commands, names, namespaces and contexts', async (t) => {
    const offers = async (...words: readonly string[]) => {
      const { output } = await run(installed, toolPath('kubectl'), ['__complete', 'cv', ...words])
      return output.trimEnd().split('\n')
    }
    const inTime = (...words: readonly string[]) =>
      onceQuick(
        () => offers(...words),
        (found) => found.length > 1,
      )
    t.match(await offers('st'), [/^status\t/, ':4'])
    t.same(await inTime('status', '-n', 'shop', 'w'), ['web', 'worker', ':4'])
    t.same(await offers('status', '-n', 'shop', 'web', ''), [':4'], 'one name is enough')
    t.same(await inTime('get', '--namespace', 'sh'), ['shipping', 'shop', ':4'])
    t.same(await inTime('wait', '--context', 'sta'), ['staging', ':4'])
    t.same(await inTime('wait', '--context', 'staging', ''), ['api', 'web', 'worker', ':4'], 'of its namespace')
    t.same(await offers('wait', '-o', ''), ['text', 'json', 'yaml', ':4'])
    t.same(await offers('wait', '--kubeconfig', ''), [':0'], 'files')
  })

  await t.test('kubectl finds the plugin, and the plugin speaks as kubectl cv', async (t) => {
    const kubectl = (...args: readonly string[]) => run(installed, toolPath('kubectl'), args)
    t.match((await kubectl('plugin', 'list')).output, '/kubectl-cv')
    t.match((await kubectl('cv', 'status', 'web', '-n', 'shop')).output, /^shop\/web /m)
    t.match(
      (await kubectl('cv', 'get', '--help')).output,
      /^Usage: kubectl cv get \[flags\][\s\S]*kubectl cv get -n shop/,
    )
    const { status, complaint } = await kubectl('cv', 'statsu')
    t.equal(status, 2, 'kubectl becomes the plugin')
    t.match(complaint, 'error: kubectl cv statsu: there is no such command; did you mean kubectl cv status?')
  })

  const shells: Readonly<Record<string, (line: string) => readonly string[]>> = {
    bash: (line) => ['bash', '--norc', '-c', inBash(line)],
    zsh: (line) => ['zsh', '-f', '-c', inZsh(line)],
    fish: (line) => ['fish', '--no-config', '-c', `cvmanager completion fish | source; complete -C '${line}'`],
  }
  for (const [shell, commandFor] of Object.entries(shells)) {
    const missing = spawnSync(shell, ['-c', 'true']).error !== undefined
    await t.test(`${shell} completes them`, { skip: missing && `${shell} is not installed` }, async (t) => {
      const offers = (line: string) =>
        onceQuick(
          async () => {
            const [program = '', ...args] = commandFor(line)
            const { output } = await run(installed, program, args)
            // fish adds what the flag is for.
            const words = output.split('\n').map((line) => line.replace(/\t.*/, ''))
            return words.filter((word) => word !== '')
          },
          (found) => found.length > 0,
        )
      t.same(await offers('cvmanager cv status -n shop w'), ['web', 'worker'])
      t.same(await offers('cvmanager cv get -n sh'), ['shipping', 'shop'])
      t.same(await offers('cvmanager cr sync -n shop --cv a'), ['api'])
      t.same(await offers('cvmanager cv wait --context sta'), ['staging'])
    })
  }

  await t.test(
    'nothing is offered, and nothing said, where the cluster cannot be asked, within some seconds',
    async (t) => {
      const { env, directory } = installed
      const silent = join(directory, 'silent.kubeconfig')
      // Of the addresses for documentation, which nobody answers (RFC 5737).
      await writeFile(silent, kubeconfigOf('https://192.0.2.1:6443'))
      for (const kubeconfig of [silent, join(directory, 'nowhere'), join(directory, 'cvmanager')]) {
        const began = performance.now()
        const elsewhere = { directory, env: { ...env, KUBECONFIG: kubeconfig } }
        const words = ['complete', '--', 'cv', 'status', '-n', 'shop', '']
        const { status, output, complaint } = await run(elsewhere, join(directory, 'cvmanager'), words)
        t.same({ status, output, complaint }, { status: 0, output: '', complaint: '' })
        t.ok(performance.now() - began < 10_000, `${performance.now() - began} ms`)
      }
    },
  )
}

/** Tries again on a busy machine, where the second has passed before the cluster was asked. */
async function onceQuick<T>(offers: () => Promise<T>, areThere: (found: T) => boolean): Promise<T> {
  for (const end = Date.now() + 60_000; ; ) {
    const found = await offers()
    if (areThere(found) || Date.now() > end) return found
  }
}

const spec = (name: string) => ({ imageRepo: `registry.example.com/${name}`, tag: 'latest', selector: { app: name } })

/** The bundle, linked under its names as users link it, with a kubeconfig of two contexts. */
async function install({ cluster }: Bed): Promise<Installed> {
  const directory = join(cluster.directory, 'installed')
  await mkdir(join(directory, 'bin'), { recursive: true })
  await mkdir(join(directory, 'dist'))
  await copyFile(join(root, 'bin/cvmanager'), join(directory, 'bin/cvmanager'))
  await copyFile(await bundle(cluster.directory), join(directory, 'dist/cvmanager.js'))
  for (const name of ['cvmanager', 'kubectl-cv', 'kubectl_complete-cv'])
    await symlink('bin/cvmanager', join(directory, name))
  const kubeconfig = join(directory, 'kubeconfig')
  await copyFile(cluster.kubeconfig, kubeconfig)
  const env = {
    PATH: [directory, join(process.execPath, '..'), process.env.PATH].join(delimiter),
    HOME: directory,
    KUBECONFIG: kubeconfig,
  }
  const current = await cluster.kubectlJson<{ contexts: readonly { context: { cluster: string; user: string } }[] }>(
    'config',
    'view',
  )
  const { cluster: name = '', user = '' } = current.contexts[0]?.context ?? {}
  const context = ['config', 'set-context', 'staging', `--cluster=${name}`, `--user=${user}`, '--namespace=shop']
  await run({ directory, env }, toolPath('kubectl'), context)
  return { directory, env }
}

const kubeconfigOf = (server: string): string =>
  stringify({
    'current-context': 'here',
    contexts: [{ name: 'here', context: { cluster: 'c' } }],
    clusters: [{ name: 'c', cluster: { server } }],
  })

interface Ended {
  readonly status: number
  readonly output: string
  readonly complaint: string
}

function run({ directory, env }: Installed, program: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(program, args, { env, cwd: directory, timeout: 60_000 }, (error, output, complaint) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? -1), output, complaint }),
    )
  })
}

/** As readline calls a completion, with the cursor at the end. */
const inBash = (line: string): string => `source <(cvmanager completion bash)
COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_cvmanager; printf '%s\\n' "\${COMPREPLY[@]}"`

/** As the completion system calls it; what it would add is printed. */
const inZsh = (line: string): string => `compdef() { :; }
compadd() { shift; print -l -- \${(M)@:#\${words[CURRENT]}*}; }
source <(cvmanager completion zsh)
words=(${line}); CURRENT=\${#words}
_cvmanager`

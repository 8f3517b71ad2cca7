import { writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { freePort } from '../harness/ports.ts'
import { RunningProgram } from '../harness/processes.ts'
import { RegistryApi } from '../harness/registry-api.ts'
import { toolPath } from '../harness/tools.ts'
import { until } from '../harness/until.ts'
import { makeWorkDirectory, removeWorkDirectory } from '../harness/work-directory.ts'
import { attempt, type CommandOptions, run } from './command.ts'
import { type Engine, startEngine } from './engine.ts'
import { nodeImage } from './node-image.ts'
import { buildPrograms, programsDirectory } from './programs.ts'

const name = 'cvmanager-e2e'

/** A cluster of one node, made by kind, and a registry that this machine and the node reach by one name. */
export class KindCluster {
  readonly name = name
  readonly engine: Engine
  /** An empty folder, which `stop` removes. */
  readonly directory: string
  /** The registry's host and port. */
  readonly registry: string
  /** For the commands of users: the engine, the kubeconfig, and the programs on PATH. */
  readonly env: Readonly<Record<string, string>>
  readonly #registryProgram: RunningProgram

  private constructor(engine: Engine, directory: string, registry: string, program: RunningProgram) {
    this.engine = engine
    this.directory = directory
    this.registry = registry
    this.#registryProgram = program
    this.env = { ...engine.env, ...environment(directory) }
  }

  /** @param say gets a line for each thing that takes long the first time */
  static async start(say: (line: string) => void): Promise<KindCluster> {
    await buildPrograms(['kind'], say)
    const engine = await startEngine()
    const directory = await makeWorkDirectory('kind')
    try {
      const image = process.env.KIND_IMAGE || (await nodeImage(engine, say))
      const address = await gateway(engine)
      const registry = `${address}:${await freePort()}`
      const program = await startRegistry(directory, registry)
      const cluster = new KindCluster(engine, directory, registry, program)
      await cluster.#create(image, say)
      return cluster
    } catch (error) {
      await engine.stop()
      await removeWorkDirectory(directory)
      throw error
    }
  }

  /** Runs a command of a user. @throws Error with its output if it fails */
  run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
    return run(file, args, { ...options, env: { ...this.env, ...options.env } })
  }

  attempt(file: string, args: readonly string[], options: CommandOptions = {}): ReturnType<typeof attempt> {
    return attempt(file, args, { ...options, env: { ...this.env, ...options.env } })
  }

  kubectl(...args: string[]): Promise<string> {
    return this.run('kubectl', args)
  }

  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl(...args, '-o', 'json')) as T
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    await this.run('kubectl', ['apply', '-f', '-'], { input: list })
  }

  /** The address of the node, which this machine reaches. */
  async nodeAddress(): Promise<string> {
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
    return (await this.run('docker', ['inspect', '--format', format, `${name}-control-plane`])).trim()
  }

  async stop(): Promise<void> {
    await this.attempt('kind', ['delete', 'cluster', '--name', name])
    await this.#registryProgram.stop()
    await this.engine.stop()
    await removeWorkDirectory(this.directory)
  }

  async #create(image: string, say: (line: string) => void): Promise<void> {
    say('Creating the cluster …')
    await this.attempt('kind', ['delete', 'cluster', '--name', name])
    const config = join(this.directory, 'kind.json')
    await writeFile(config, JSON.stringify(clusterConfig(image)))
    await this.run('kind', ['create', 'cluster', '--name', name, '--config', config, '--wait', '3m'])
    const hosts = `/etc/containerd/certs.d/${this.registry}`
    const text = `[host."http://${this.registry}"]\n  capabilities = ["pull", "resolve"]\n`
    const write = `mkdir -p ${hosts} && cat > ${hosts}/hosts.toml`
    await this.run('docker', ['exec', '--interactive', `${name}-control-plane`, 'sh', '-c', write], { input: text })
    await this.kubectl('rollout', 'status', 'deployment/coredns', '--namespace', 'kube-system', '--timeout', '120s')
  }
}

/** As https://kind.sigs.k8s.io/docs/user/local-registry has it: containerd reads a file for each registry. */
const clusterConfig = (image: string): object => ({
  kind: 'Cluster',
  apiVersion: 'kind.x-k8s.io/v1alpha4',
  nodes: [{ role: 'control-plane', image }],
  containerdConfigPatches: [
    '[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "/etc/containerd/certs.d"\n',
  ],
})

function environment(directory: string): Record<string, string> {
  const folders = [dirname(toolPath('kubectl')), programsDirectory(), process.env.PATH ?? '']
  return { HOME: directory, KUBECONFIG: join(directory, 'kubeconfig'), PATH: folders.join(delimiter) }
}

/** This machine's address in the network that kind's nodes are in. */
async function gateway({ env }: Engine): Promise<string> {
  const exists = await attempt('docker', ['network', 'inspect', 'kind'], { env })
  if (exists.status !== 0) await run('docker', ['network', 'create', 'kind'], { env })
  const format = '{{range .IPAM.Config}}{{.Gateway}} {{end}}'
  const addresses = (await run('docker', ['network', 'inspect', '--format', format, 'kind'], { env })).trim().split(' ')
  const found = addresses.find((address) => /^[0-9.]+$/.test(address))
  if (found === undefined) throw new Error(`the network kind has no IPv4 gateway: ${addresses.join(', ')}`)
  return found
}

async function startRegistry(directory: string, address: string): Promise<RunningProgram> {
  const config = join(directory, 'registry.json')
  const storage = { inmemory: {}, delete: { enabled: true } }
  await writeFile(config, JSON.stringify({ version: '0.1', storage, http: { addr: address } }))
  const program = new RunningProgram({
    name: 'registry',
    path: toolPath('registry'),
    args: ['serve', config],
    env: { OTEL_TRACES_EXPORTER: 'none' },
    directory,
    logFile: join(directory, 'registry.log'),
  })
  const api = new RegistryApi(`http://${address}`)
  await until('the registry to answer', async () => {
    await program.assertRunning()
    return api.answers()
  })
  await api.close()
  return program
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunningProgram } from '../e2e/harness/processes.ts'
import { until } from '../e2e/harness/until.ts'
import type { Hooks } from './hooks.ts'
import type { World } from './world.ts'

const command = fileURLToPath(new URL('../bin/cvmanager', import.meta.url))
/** Linux reports processor time in these, whatever the kernel's own tick is (`getconf CLK_TCK`). */
const ticksPerSecond = 100
/** A state of /proc/net/tcp (proc(5)). */
const established = '01'

export interface OperatorOptions {
  readonly intervalSeconds: number
  /** To the registry; undefined: as it comes. */
  readonly requestsPerSecond?: number | undefined
  /** Takes the notifications of a registry that tells of pushes. */
  readonly pushed?: boolean
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Memory {
  readonly pssMiB: number
  readonly rssMiB: number
  readonly peakRssMiB: number
}

/** `bin/cvmanager` in a process of its own, as a user runs it, leader election included. */
export class Operator {
  readonly startedAt: number
  readonly #program: RunningProgram

  private constructor(program: RunningProgram, startedAt: number) {
    this.#program = program
    this.startedAt = startedAt
  }

  /** Returns as soon as the process is there. */
  static start({ cluster, registry, hooks }: World, options: OperatorOptions): Operator {
    const limit = options.requestsPerSecond === undefined ? [] : [`${options.requestsPerSecond}`]
    const webhooks = options.pushed && hooks ? webhookFlags(join(cluster.directory, 'webhook-secrets'), hooks) : []
    const startedAt = Date.now()
    const program = new RunningProgram({
      name: 'cvmanager',
      // It becomes the process by exec, so that the process id is that of Node.
      path: command,
      // With "--cpu-prof --cpu-prof-dir=DIRECTORY" it says where the time goes.
      env: { NODE_OPTIONS: process.env.BENCH_NODE_FLAGS ?? '', ...options.env },
      args: [
        ...['run', '--k8s-config', cluster.kubeconfig, '--port', '0', '--lease-namespace', 'default'],
        ...['--insecure-registry', registry.host, '--poll-interval-seconds', `${options.intervalSeconds}`],
        ...webhooks,
        ...(options.flags ?? []),
        ...limit.flatMap((most) => ['--registry-requests-per-second', most, '--registry-burst', most]),
      ],
      directory: cluster.directory,
      logFile: join(cluster.directory, 'cvmanager.log'),
    })
    return new Operator(program, startedAt)
  }

  async assertRunning(): Promise<void> {
    await this.#program.assertRunning()
  }

  /** The port that its HTTP server has chosen. */
  async port(): Promise<number> {
    const line = (await this.#program.log()).split('\n').findLast((one) => one.includes('serving /alive')) ?? '{}'
    return (JSON.parse(line) as { readonly port: number }).port
  }

  async cpuMs(): Promise<number> {
    return cpuMsOf(this.#program.pid)
  }

  async memory(): Promise<Memory> {
    const [rollup, status] = await Promise.all(
      ['smaps_rollup', 'status'].map((file) => readFile(`/proc/${this.#program.pid}/${file}`, 'utf8')),
    )
    return {
      pssMiB: mebibytes(rollup, 'Pss'),
      rssMiB: mebibytes(status, 'VmRSS'),
      peakRssMiB: mebibytes(status, 'VmHWM'),
    }
  }

  /** How many TCP connections of it to a port of this machine are open now. */
  async connectionsTo(port: number): Promise<number> {
    const pid = this.#program.pid
    const [table, names] = await Promise.all([readFile(`/proc/${pid}/net/tcp`, 'utf8'), readdir(`/proc/${pid}/fd`)])
    // The table is of the whole network namespace; which of the sockets are this process's, its descriptors say.
    const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
    const own = new Set(links)
    const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
    const rows = table
      .trim()
      .split('\n')
      .map((row) => row.trim().split(/\s+/))
    return rows.filter((row) => row[2]?.endsWith(remote) && row[3] === established && own.has(`socket:[${row[9]}]`))
      .length
  }

  /** Gracefully: the lease is free for the next one. */
  async stop(): Promise<void> {
    await this.#program.stop('SIGTERM')
  }

  /** Waits for what the operator brings about, for as long as it runs. */
  async until(what: string, probe: () => boolean | Promise<boolean>, timeoutMs = 120_000): Promise<void> {
    await until(what, async () => !this.#program.running || (await probe()), timeoutMs)
    await this.assertRunning()
  }
}

function webhookFlags(folder: string, { port, secret }: Hooks): readonly string[] {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'distribution'), secret)
  return ['--webhook-port', `${port}`, '--webhook-secrets-dir', folder]
}

/** The processor time of all threads of a process, in user and kernel mode, since its start. */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // Field 2 is the name in parentheses and may hold anything; utime and stime are fields 14 and 15 (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond
}

function mebibytes(text: string | undefined, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text ?? '')?.[1]
  if (kibibytes === undefined) throw new Error(`/proc has no ${field}; the benchmarks need Linux`)
  return Number(kibibytes) / 1_024
}

import { join } from 'node:path'
import { buildInto } from '../../scripts/build.ts'
import { freePort } from '../harness/ports.ts'
import { RunningProgram } from '../harness/processes.ts'
import { until } from '../harness/until.ts'

let built: Promise<string> | undefined

/**
 * The program as it ships, in one file: the one that `make test` has just built, or one from the present sources, built once
 * for each test file.
 */
export function bundle(directory: string): Promise<string> {
  const { E2E_BUNDLE } = process.env
  built ??= E2E_BUNDLE ? Promise.resolve(E2E_BUNDLE) : buildInto(directory).then(({ file }) => file)
  return built
}

/** Where the processes of a test file find what another has compiled: in the cache of `make test`, or in one of the file. */
export const compileCache = (directory: string): string => process.env.NODE_COMPILE_CACHE ?? join(directory, 'compiled')

export interface OperatorOptions {
  /** Its log goes here. */
  readonly directory: string
  readonly name?: string
  readonly kubeconfig: string
  readonly insecureRegistries: readonly string[]
  readonly flags?: readonly string[]
}

export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly namespace?: string
  readonly containerVersion?: string
  readonly reason?: string
  readonly from?: string
  readonly to?: string
}

/** `info RolloutStarted v1 -> v2`. */
export const inWords = ({ level, reason, from, to }: LogLine): string =>
  `${level} ${reason} ${from ? `${from} ` : ''}-> ${to}`

/** A process of `cvmanager run`. */
export class Operator {
  readonly program: RunningProgram
  readonly port: number

  private constructor(program: RunningProgram, port: number) {
    this.program = program
    this.port = port
  }

  static async start(options: OperatorOptions): Promise<Operator> {
    const { directory, name = 'cvmanager', kubeconfig, insecureRegistries, flags = [] } = options
    const port = await freePort()
    const program = new RunningProgram({
      name,
      path: process.execPath,
      args: [
        await bundle(directory),
        'run',
        '--k8s-config',
        kubeconfig,
        '--history',
        '--port',
        String(port),
        '--poll-interval-seconds',
        '5',
        '--log-level',
        'debug',
        '--log-format',
        'json',
        ...insecureRegistries.flatMap((host) => ['--insecure-registry', host]),
        ...flags,
      ],
      directory,
      logFile: join(directory, `${name}.log`),
      env: { NODE_COMPILE_CACHE: compileCache(directory), HOME: directory },
    })
    return new Operator(program, port)
  }

  async isAtWork(): Promise<this> {
    await until(`${this.program.name} to be at work`, () => this.#logged('cvmanager is at work'), 30_000)
    return this
  }

  /** Waits until it serves HTTP, as leader or standby. */
  async stands(): Promise<void> {
    await until(`${this.program.name} to be up`, () => this.#logged('serving /alive'), 30_000)
  }

  async leads(): Promise<boolean> {
    return this.#logged('this process is the leader now')
  }

  /** Its log lines about the objects of a namespace, but those for debugging. */
  async story(namespace: string): Promise<readonly LogLine[]> {
    const lines = (await this.program.log()).split('\n').filter((line) => line.startsWith('{'))
    const all = lines.map((line): LogLine => JSON.parse(line))
    return all.filter((line) => line.namespace === namespace && line.level !== 'debug')
  }

  /** The answer of /ready once it has this status and a reason with this text, or the last one of twenty seconds. */
  async readiness(wanted: number, says = ''): Promise<{ status: number; reasons: readonly string[] }> {
    for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 250))) {
      // It may have no port yet.
      const answer = await fetch(`http://127.0.0.1:${this.port}/ready`).catch(() => undefined)
      const { reasons = [] } = ((await answer?.json()) ?? {}) as { readonly reasons?: readonly string[] }
      const fits = wanted === 200 || reasons.some((reason) => reason.includes(says))
      if ((answer?.status === wanted && fits) || Date.now() > end) return { status: answer?.status ?? 0, reasons }
    }
  }

  /** The last lines of its log that contain this text, for the diagnosis of a failure. */
  async about(text: string, lines = 20): Promise<string> {
    const log = await this.program.log()
    const found = log.split('\n').filter((line) => line.includes(text))
    return found.slice(-lines).join('\n')
  }

  /** @returns how long it took to exit, in milliseconds */
  async stop(signal: NodeJS.Signals): Promise<number> {
    const began = performance.now()
    await this.program.stop(signal)
    return performance.now() - began
  }

  async #logged(text: string): Promise<boolean> {
    await this.program.assertRunning()
    return (await this.program.log()).includes(text)
  }
}

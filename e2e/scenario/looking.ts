/** The commands for looking, as people and CI run them. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Test } from 'tap'
import { projectFile } from './bed.ts'
import { command, type Ended } from './command.ts'
import { bundle, compileCache } from './operator.ts'
import { scenario } from './scenario.ts'
import type { World } from './world.ts'

/** No regular poll comes while a scenario lasts: what is seen at once was asked for. */
export const hourly = { pollIntervalSeconds: 3600, versionSyntax: '[0-9a-f]{5,40}' }

/** A command of `cvmanager cv`, with a kubeconfig of this account. */
export class Looking {
  readonly #world: World
  readonly #kubeconfig: string

  constructor(world: World, kubeconfig = world.bed.cluster.kubeconfig) {
    this.#world = world
    this.#kubeconfig = kubeconfig
  }

  /** Runs it to its end. */
  async cv(...args: readonly string[]): Promise<Ended> {
    const { directory } = this.#world.bed.cluster
    return command(directory, ...this.#line(args))
  }

  wait(...flags: readonly string[]): Promise<Ended> {
    return this.cv('wait', 'web-cv', ...flags)
  }

  /** Starts it, for a test that does something meanwhile. */
  async starts(t: Test, ...args: readonly string[]): Promise<Started> {
    const { directory } = this.#world.bed.cluster
    const child = spawn(process.execPath, [await bundle(directory), ...this.#line(args)], {
      env: { PATH: process.env.PATH ?? '', HOME: directory, NODE_COMPILE_CACHE: compileCache(directory) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    return new Started(child, this.#world)
  }

  #line(args: readonly string[]): readonly string[] {
    return ['cv', ...args, '--kubeconfig', this.#kubeconfig, '-n', this.#world.namespace]
  }
}

export class Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #world: World
  #output = ''
  #complaint = ''

  constructor(child: ChildProcess, world: World) {
    this.child = child
    this.#world = world
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint += text
    })
    this.ended = new Promise((resolve) =>
      child.once('close', (status) => resolve({ status, output: this.#output, complaint: this.#complaint })),
    )
  }

  get output(): string {
    return this.#output
  }

  /** Waits until it has said this, on either stream. */
  async says(text: string | RegExp): Promise<void> {
    const said = () => `${this.#output}${this.#complaint}`
    await this.#world
      .waitsFor(`${text} to be said`, () => (typeof text === 'string' ? said().includes(text) : text.test(said())))
      .catch((thrown: unknown) => {
        throw new Error(`${thrown instanceof Error ? thrown.message : thrown}. It said: ${said()}`)
      })
  }
}

/** CI with the rights of deploy/ci.yaml, and no others. */
export async function asCi(world: World): Promise<Looking> {
  const { cluster } = world.bed
  await cluster.applyText(await projectFile('deploy/ci.yaml', { 'namespace: shop': `namespace: ${world.namespace}` }))
  return new Looking(world, await cluster.serviceAccountKubeconfig(world.namespace, 'ci'))
}

/** A scenario in which only a request causes a poll. */
export const hourlyScenario = (t: Test, bed: World['bed'], opening: Omit<Parameters<typeof scenario>[2], 'follows'>) =>
  scenario(t, bed, { follows: 'env-prod', ...opening, spec: { ...hourly, ...opening.spec } })

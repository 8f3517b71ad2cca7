/** Runs command lines against a real registry, like a CI job: in this process, or as a process of their own. */
import type { Test } from 'tap'
import { type RegistryOptions, type Registry as RegistryProgram, startRegistry } from '../../e2e/harness/registry.ts'
import { runProgram } from './program.ts'
import { spawned } from './spawned.fixture.ts'

export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

type Call = (command: string, env?: Record<string, string>, stdin?: string) => Promise<Ended>

export interface Calls {
  /** Replaces `REPO` by the repository shop/web of the registry, and the registry's host in the output by `HOST`. */
  readonly calls: Call
  /** The same, with `node operator/main.ts`. */
  readonly runs: Call
}

export async function ci(
  t: Test,
  options: RegistryOptions = {},
): Promise<Calls & { readonly registry: RegistryProgram }> {
  const registry = await startRegistry(options)
  t.teardown(() => registry.stop())
  return { registry, ...callsTo(t, registry.host, ['--insecure-registry', registry.host]) }
}

/** @param flags the flags that make the registry reachable */
export function callsTo(t: Test, host: string, flags: readonly string[]): Calls {
  const argsOf = (command: string) => [
    ...`cr ${command}`.replaceAll('REPO', `${host}/shop/web`).split(' '),
    ...(command.includes('REPO') ? flags : []),
  ]
  const shorter = (text: string) => text.replaceAll(host, 'HOST')

  const calls: Call = async (command, env = {}, stdin = '') => {
    const output = { out: '', err: '' }
    const status = await runProgram(argsOf(command), {
      env,
      stdin: (async function* () {
        yield stdin
      })(),
      print(text) {
        output.out += text
      },
      printError(text) {
        output.err += text
      },
      clusterCommands: () => Promise.reject(new Error('no cluster is needed')),
      tagCommands: () => import('../wiring/tag-commands.ts'),
      namesInCluster: () => Promise.reject(new Error('no names are asked for')),
      stopSignal: () => new AbortController().signal,
    })
    return { status, out: shorter(output.out), err: shorter(output.err) }
  }

  const runs: Call = async (command, env = {}, stdin = '') => {
    const { child, ended } = spawned(t, '../main.ts', argsOf(command), env)
    child.stdin?.end(stdin)
    const { status, stdout, stderr } = await ended
    return { status, out: shorter(stdout), err: shorter(stderr) }
  }
  return { calls, runs }
}

/** The rows of a table, without the head. */
export const rows = (out: string): readonly string[] =>
  out
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.replaceAll(/ {2,}/g, ' | '))

/** What a command may touch outside: the process' streams and signals, and the rest of the house. */
import type { Command } from 'commander'
import type { Commands, RegistryCommands } from './commands.ts'

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array | string>
  /** To standard output. */
  print(text: string): void
  /** To standard error. */
  complain(text: string): void
  /** Loaded only when a command needs them: `version` and `--help` answer at once. */
  commands(): Promise<Commands>
  /** Likewise, for the commands that need no cluster: a CI job does not wait for what talks with one. */
  registryCommands(): Promise<RegistryCommands>
  /** Aborted by the first SIGTERM or SIGINT from now on; a second one ends the process. */
  stopSignal(): AbortSignal
}

/** The end of a command, as the process' exit status. */
export const exit = { ok: 0, failure: 1, usage: 2, notFound: 3 } as const
export type ExitStatus = (typeof exit)[keyof typeof exit]

/** One file each; the array is in program.ts. */
export interface CliCommand {
  /** Where it hangs: `['cr', 'sync']` is `cvmanager cr sync`. */
  readonly path: readonly string[]
  /** Adds description, flags and examples. */
  describe(command: Command): Command
  run(invocation: Invocation, world: World): Promise<ExitStatus>
}

export interface Invocation {
  readonly command: Command
  /** By attribute name, as commander gives them. */
  readonly options: Readonly<Record<string, unknown>>
  readonly operands: readonly string[]
}

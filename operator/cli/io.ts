/** What a command uses besides its flags: the streams and signals of the process, and the functions that do the work. */
import type { ClusterCommands, NamesInCluster } from '../commands/commands.ts'
import type { TagCommands } from '../commands/tags/commands.ts'
import type { CommandLine } from './command-line/command-line.ts'

export interface Io {
  /** `kubectl cv` as a plugin of kubectl, which has the commands of `cvmanager cv`. */
  readonly program?: 'cvmanager' | 'kubectl cv'
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array | string>
  /** The width of the terminal that standard output is; undefined for a file or a pipe. */
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  /** Writes to standard output. */
  print(text: string): void
  /** Writes to standard error. */
  printError(text: string): void
  /** Loaded only by a command that needs them, so that `version` and `--help` answer at once. */
  clusterCommands(): Promise<ClusterCommands>
  /** Loaded separately, so that a CI job does not load the client of the cluster. */
  tagCommands(): Promise<TagCommands>
  /** Loaded separately, because somebody waits who has pressed Tab. */
  namesInCluster(): Promise<NamesInCluster>
  /** Aborted by the first SIGTERM or SIGINT from now on; a second one ends the process. */
  stopSignal(): AbortSignal
}

/** The exit status of the process. */
export const exit = { ok: 0, failure: 1, usage: 2, notFound: 3, held: 4, timedOut: 5, interrupted: 130 } as const
export type ExitStatus = (typeof exit)[keyof typeof exit]

/** One command, in its own file. The list is in program.ts. */
export interface CliCommand {
  /** `cr sync` for `cvmanager cr sync`. */
  readonly name: string
  readonly description: string
  /** Printed at the end of the help: examples, exit statuses. */
  readonly help?: string
  /** Neither the help nor the completion shows it. */
  readonly isHidden?: boolean
  addFlags(command: CommandLine): unknown
  run(invocation: Invocation, io: Io): Promise<ExitStatus>
}

export interface Invocation {
  readonly command: CommandLine
  /** By commander's attribute names. */
  readonly options: Readonly<Record<string, unknown>>
  readonly operands: readonly string[]
}

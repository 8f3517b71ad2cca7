/** The command line: the list of commands, and the handling of their errors. */
import { CommanderError } from 'commander'
import { ObjectNotFoundError } from '../commands/object.ts'
import { isNotFound } from '../commands/tags/not-found.ts'
import { UsageError } from '../errors.ts'
import { version } from '../version.ts'
import { normalized } from './command-line/arguments.ts'
import { CommandLine } from './command-line/command-line.ts'
import { addFlagsOf2018, flagsWithoutEffect } from './command-line/flags-of-2018.ts'
import { CommandHelp, widthOf } from './command-line/help.ts'
import { complete } from './complete.ts'
import { completion } from './completion.ts'
import { crResolve } from './cr/resolve.ts'
import { crSync } from './cr/sync.ts'
import { crSyncStatus } from './cr/sync-status.ts'
import { crTagsAdd } from './cr/tags-add.ts'
import { crTagsGet } from './cr/tags-get.ts'
import { crTagsRemove } from './cr/tags-remove.ts'
import { cvGet } from './cv/get.ts'
import { cvReconcile } from './cv/reconcile.ts'
import { cvStatus } from './cv/status.ts'
import { cvWait } from './cv/wait.ts'
import { errorLine, warningLine } from './error-line.ts'
import { helpCommand } from './help-command.ts'
import { type CliCommand, type ExitStatus, exit, type Io } from './io.ts'
import { migrate } from './migrate.ts'
import { run } from './run.ts'
import { versionCommand } from './version.ts'

/** To add a command, add its file, and a line here. */
const cliCommands: readonly CliCommand[] = [
  run,
  crSync,
  crSyncStatus,
  crResolve,
  crTagsGet,
  crTagsAdd,
  crTagsRemove,
  cvGet,
  cvStatus,
  cvWait,
  cvReconcile,
  migrate,
  versionCommand,
  completion,
  complete,
  helpCommand,
]

const groups: Readonly<Record<string, string>> = {
  cr: 'Work with a container registry',
  'cr tags': 'Show, add and remove tags in a registry',
  cv: 'Show what ContainerVersions manage, and wait for their rollouts',
}

const help = `
Examples:
  # Run the controller on the cluster that kubectl uses
  cvmanager run

  # Which version runs where?
  cvmanager cv get

  # Release a version, from CI
  cvmanager cr tags add --repo registry.example.com/shop/web \\
    --version 1a2b3c4 --tags env-prod

  # And wait for what comes of it
  cvmanager cv wait web -n shop --version 1a2b3c4

  # Every flag of a command, with examples
  cvmanager cr tags add --help`

const pluginHelp = `
Examples:
  # Which version runs where?
  kubectl cv get

  # How is the rollout going?
  kubectl cv status web -n shop --watch

  # Every flag of a command, with examples
  kubectl cv wait --help`

/** The name of a command in this program; undefined if it does not have it. */
function nameIn(program: Io['program'], name: string): string | undefined {
  if (program !== 'kubectl cv') return name
  if (name.startsWith('cv ')) return name.slice('cv '.length)
  return [versionCommand, complete, helpCommand].some((command) => command.name === name) ? name : undefined
}

/** Runs one command line. Prints at most one line about a failure, and never a stack. */
export async function runProgram(args: readonly string[], io: Io): Promise<ExitStatus> {
  let status: ExitStatus = exit.ok
  try {
    const program = createProgram(io, (ended) => {
      status = ended
    })
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(normalized(program, args), { from: 'user' })
    return status
  } catch (thrown) {
    // commander also throws after it has shown a help or the version.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exit.ok
    io.printError(errorLine(thrown))
    if (thrown instanceof CommanderError || thrown instanceof UsageError) return exit.usage
    return isNotFound(thrown) || thrown instanceof ObjectNotFoundError ? exit.notFound : exit.failure
  }
}

/** All commands with their flags, to be read and not to be run. */
export function commandTree(): CommandLine {
  const noIo = { env: {}, print: () => undefined, printError: () => undefined }
  return createProgram(noIo as unknown as Io, () => undefined)
}

function createProgram(io: Io, end: (status: ExitStatus) => void): CommandLine {
  const width = widthOf(io.columns, io.env.COLUMNS)
  const isPlugin = io.program === 'kubectl cv'
  const shown = (text: string) => () =>
    new CommandHelp().paragraphs(isPlugin ? text.replaceAll('cvmanager cv ', 'kubectl cv ') : text, width)
  const program = new CommandLine(io.program ?? 'cvmanager')
    .description(isPlugin ? `${groups.cv}.` : 'Follows image tags and rolls out the versions behind them.')
    // After a command, --version is that command's own flag.
    .enablePositionalOptions()
    .optionsGroup('Flags:')
    .version(version.version, '-V, --version', 'Print the version')
    .addHelpText('after', shown(isPlugin ? pluginHelp : help))
    // Commands inherit these.
    .exitOverride()
    .helpOption('-h, --help', 'Explain this command')
    // The error carries the message, too; it must not be printed twice.
    .configureOutput({
      writeOut: io.print,
      writeErr: io.printError,
      outputError: () => undefined,
      getOutHelpWidth: () => width,
    })
  for (const { name, description, help = '', isHidden = false, addFlags, run } of cliCommands) {
    const words = nameIn(io.program, name)?.split(' ')
    if (!words) continue
    const parent = words.slice(0, -1).reduce(groupOf, program)
    const command = parent
      .command(words.at(-1) ?? '', { hidden: isHidden })
      .description(description)
      .optionsGroup('Flags:')
      .addHelpText('after', shown(help))
    addFlags(command)
    addFlagsOf2018(command, name)
    command.action(async () => {
      const ignored = flagsWithoutEffect(command, name)
      if (ignored !== undefined) io.printError(warningLine(ignored))
      end(await run({ command, options: command.opts(), operands: command.args }, io))
    })
  }
  return program
}

function groupOf(parent: CommandLine, name: string): CommandLine {
  const known = parent.commands.find((command) => command.name() === name)
  if (known) return known
  const path = parent.parent ? `${parent.name()} ${name}` : name
  return parent
    .command(name)
    .description(groups[path] ?? '')
    .helpCommand(false)
    .optionsGroup('Flags:')
}

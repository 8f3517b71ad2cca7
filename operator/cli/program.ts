/** The command line: the list of commands, and the handling of their errors. */
import { Command, CommanderError } from 'commander'
import { isNotFound } from '../commands/tags/not-found.ts'
import { UsageError } from '../errors.ts'
import { version } from '../version.ts'
import { normalized } from './arguments.ts'
import { completion } from './completion.ts'
import { crResolve } from './cr-resolve.ts'
import { crSync } from './cr-sync.ts'
import { crSyncStatus } from './cr-sync-status.ts'
import { crTagsAdd } from './cr-tags-add.ts'
import { crTagsGet } from './cr-tags-get.ts'
import { crTagsRemove } from './cr-tags-remove.ts'
import { cvGet } from './cv-get.ts'
import { errorLine, warningLine } from './error-line.ts'
import { addFlagsOf2018, flagsWithoutEffect } from './flags-of-2018.ts'
import { type CliCommand, type ExitStatus, exit, type Io } from './io.ts'
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
  versionCommand,
  completion,
]

const groups: Readonly<Record<string, string>> = {
  cr: 'Work with a container registry',
  'cr tags': 'Show, add and remove tags in a registry',
  cv: 'Show what ContainerVersions manage',
}

const help = `
Examples:
  cvmanager run --k8s-config ~/.kube/config                run the controller on the cluster of a kubeconfig
  cvmanager cr sync --namespace shop --cv web-cv --once    check one ContainerVersion once
  cvmanager cr tags add --repo registry.example.com/shop/web --version 1a2b3c4 --tags env-prod   release, from CI
  cvmanager cv get                                         show which version runs where
  cvmanager run --help                                     show every flag of a command, with examples`

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
    return isNotFound(thrown) ? exit.notFound : exit.failure
  }
}

function createProgram(io: Io, end: (status: ExitStatus) => void): Command {
  const program = new Command('cvmanager')
    .description('Follows image tags and rolls out the versions behind them.')
    .version(version.version, '-V, --version', 'Print the version')
    // After a command, --version is that command's own flag.
    .enablePositionalOptions()
    .addHelpText('after', help)
    // Commands inherit these.
    .exitOverride()
    .helpOption('-h, --help', 'Explain this command')
    // The error carries the message, too; it must not be printed twice.
    .configureOutput({ writeOut: io.print, writeErr: io.printError, outputError: () => undefined })
  for (const { name, description, help = '', isHidden = false, addFlags, run } of cliCommands) {
    const words = name.split(' ')
    const parent = words.slice(0, -1).reduce(groupOf, program)
    const command = parent
      .command(words.at(-1) ?? '', { hidden: isHidden })
      .description(description)
      .addHelpText('after', help)
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

function groupOf(parent: Command, name: string): Command {
  const known = parent.commands.find((command) => command.name() === name)
  if (known) return known
  const path = parent.parent ? `${parent.name()} ${name}` : name
  const group = parent.command(name).description(groups[path] ?? '')
  // An unknown command arrives here as an operand, followed by its flags.
  return group
    .allowExcessArguments()
    .allowUnknownOption()
    .action(() => {
      const known = group.commands.map((command) => command.name()).join(', ')
      const given = group.args[0]
      if (given?.startsWith('-')) throw new UsageError(`unknown option '${given}'`)
      throw new UsageError(
        given === undefined
          ? `cvmanager ${path}: which command? There is: ${known}`
          : `unknown command '${path} ${given}'; there is: ${known}`,
      )
    })
}

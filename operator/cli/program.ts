/** The command line: which commands there are, and what becomes of their errors. */
import { Command, CommanderError } from 'commander'
import { UsageError } from '../errors.ts'
import { version } from '../version.ts'
import { complaintOf } from './complaint.ts'
import { completion } from './completion.ts'
import { crResolve } from './cr-resolve.ts'
import { crSync } from './cr-sync.ts'
import { crTagsAdd } from './cr-tags-add.ts'
import { crTagsGet } from './cr-tags-get.ts'
import { crTagsRemove } from './cr-tags-remove.ts'
import { cvGet } from './cv-get.ts'
import { run } from './run.ts'
import { versionCommand } from './version.ts'
import { type CliCommand, type ExitStatus, exit, type World } from './world.ts'

/** To add a command: its file, and here. */
const cliCommands: readonly CliCommand[] = [
  run,
  crSync,
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
  'cr tags': 'Look at tags in a registry, put them on images, and take them off',
  cv: 'Look at what ContainerVersions manage',
}

const examples = `
Examples:
  cvmanager run --k8s-config ~/.kube/config                run the controller on the cluster of a kubeconfig
  cvmanager cr sync --namespace shop --cv web-cv --once    look once at one ContainerVersion
  cvmanager cr tags add --repo registry.example.com/shop/web --version 1a2b3c4 --tags env-prod   release, from CI
  cvmanager cv get                                         which version runs where
  cvmanager run --help                                     every flag of a command, with examples`

/** Runs one command line; prints at most one line about what went wrong, never a stack. */
export async function runProgram(args: readonly string[], world: World): Promise<ExitStatus> {
  let status: ExitStatus = exit.ok
  try {
    const program = createProgram(world, (ended) => {
      status = ended
    })
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(args, { from: 'user' })
    return status
  } catch (thrown) {
    // commander throws also where it has shown a help or the version.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exit.ok
    world.complain(`error: ${complaintOf(thrown)}\n`)
    return thrown instanceof CommanderError || thrown instanceof UsageError ? exit.usage : exit.failure
  }
}

function createProgram(world: World, end: (status: ExitStatus) => void): Command {
  const program = new Command('cvmanager')
    .description('Follows image tags and rolls out the versions behind them.')
    .version(version.version, '-V, --version', 'Says which version this is')
    // Behind a command, --version is that command's own.
    .enablePositionalOptions()
    .addHelpText('after', examples)
  for (const cliCommand of cliCommands) {
    const parent = cliCommand.path.slice(0, -1).reduce(groupOf, program)
    const command = cliCommand.describe(parent.command(cliCommand.path.at(-1) ?? ''))
    command.action(async () => {
      end(await cliCommand.run({ command, options: command.opts(), operands: command.args }, world))
    })
  }
  for (const command of withChildren(program)) {
    command
      .exitOverride()
      .helpOption('-h, --help', 'Explains this command')
      .helpCommand(command === program)
      // The message comes back with the error; printed there, it would stand twice.
      .configureOutput({ writeOut: world.print, writeErr: world.complain, outputError: () => undefined })
  }
  return program
}

const withChildren = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withChildren)]

function groupOf(parent: Command, name: string): Command {
  const known = parent.commands.find((command) => command.name() === name)
  if (known) return known
  const path = parent.parent ? `${parent.name()} ${name}` : name
  const group = parent.command(name).description(groups[path] ?? '')
  // An unknown word arrives here as an operand, with the flags behind it.
  return group
    .allowExcessArguments()
    .allowUnknownOption()
    .action(() => {
      const known = group.commands.map((command) => command.name()).join(', ')
      const given = group.args[0]
      throw new UsageError(
        given === undefined
          ? `cvmanager ${path}: which command? There is: ${known}`
          : `unknown command '${path} ${given}'; there is: ${known}`,
      )
    })
}

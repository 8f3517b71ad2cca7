/** `cvmanager help`. */
import type { CommandLine } from './command-line/command-line.ts'
import { type CliCommand, exit } from './io.ts'

export const helpCommand: CliCommand = {
  name: 'help',
  description: 'Explain a command',
  addFlags: (command) => command.argument('[command...]', 'The words of the command, such as: cr tags add'),

  async run({ command, operands }) {
    const find = (group: CommandLine, word: string): CommandLine =>
      group.commands.find((candidate) => candidate.name() === word) ?? group.unknownCommand(word)
    operands.reduce(find, command.program).outputHelp()
    return exit.ok
  },
}

/** `cvmanager completion`: scripts that complete commands, flags and their values in the user's shell. */
import { Argument, type Command } from 'commander'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { type CompletedCommand, commandsOf } from './completion/tree.ts'
import { zshCompletion } from './completion/zsh.ts'
import { type CliCommand, exit } from './world.ts'

const examples = `
Examples:
  # For this shell
  source <(cvmanager completion bash)
  source <(cvmanager completion zsh)
  cvmanager completion fish | source

  # For every new shell
  cvmanager completion bash > ~/.local/share/bash-completion/completions/cvmanager
  cvmanager completion zsh > "\${fpath[1]}/_cvmanager"
  cvmanager completion fish > ~/.config/fish/completions/cvmanager.fish`

const scripts: ReadonlyMap<string, (commands: readonly CompletedCommand[]) => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
])

export const completion: CliCommand = {
  path: ['completion'],

  describe: (command) =>
    command
      .description('Prints a script for the completion of commands and flags in your shell')
      .addArgument(new Argument('<shell>', 'Your shell').choices([...scripts.keys()]))
      .addHelpText('after', examples),

  async run({ command, operands }, world) {
    const script = scripts.get(operands[0] ?? '')
    world.print(script?.(commandsOf(programOf(command))) ?? '')
    return exit.ok
  },
}

function programOf(command: Command): Command {
  return command.parent ? programOf(command.parent) : command
}

/** `cvmanager completion`: scripts that complete commands, flags and their values in the user's shell. */
import { Argument } from 'commander'
import { bashCompletion } from './completion/bash.ts'
import { fishCompletion } from './completion/fish.ts'
import { type CompletedCommand, commandsOf } from './completion/tree.ts'
import { zshCompletion } from './completion/zsh.ts'
import { type CliCommand, exit } from './io.ts'

const scripts: ReadonlyMap<string, (commands: readonly CompletedCommand[]) => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
])

export const completion: CliCommand = {
  name: 'completion',
  description: 'Print a script that completes commands and flags in your shell',
  addFlags: (command) => command.addArgument(new Argument('<shell>', 'Your shell').choices([...scripts.keys()])),

  async run({ command, operands }, io) {
    const script = scripts.get(operands[0] ?? '')
    io.print(script?.(commandsOf(command.program)) ?? '')
    return exit.ok
  },

  help: `
Examples:
  # For this shell
  source <(cvmanager completion bash)
  source <(cvmanager completion zsh)
  cvmanager completion fish | source

  # For every new shell
  cvmanager completion bash \\
    > ~/.local/share/bash-completion/completions/cvmanager
  cvmanager completion zsh > "\${fpath[1]}/_cvmanager"
  cvmanager completion fish > ~/.config/fish/completions/cvmanager.fish`,
}

/** The commands and flags for the completion scripts, read from commander so that they are never out of date. */
import type { Command, Option } from 'commander'

export interface CompletedFlag {
  /** `--output`, and `-o` if there is a short form. */
  readonly names: readonly string[]
  readonly description: string
  readonly value: 'none' | 'any' | 'file' | Named | { readonly choices: readonly string[] }
}

/** What the kubeconfig and the cluster have names of. */
export const named = ['contexts', 'namespaces', 'objects'] as const
export type Named = (typeof named)[number]

export interface CompletedCommand {
  /** ` cr sync`, with a space before each word; empty for the program itself. */
  readonly path: string
  readonly children: readonly { readonly name: string; readonly description: string }[]
  readonly flags: readonly CompletedFlag[]
  /** Words that may follow, such as the shell's name after `completion`. */
  readonly operands: readonly string[]
  /** Whether it takes the name of a ContainerVersion. */
  readonly takesObject: boolean
}

/** All commands, the program first. `help` takes the words of each of them. */
export function commandsOf(program: Command): readonly CompletedCommand[] {
  const commands = withThoseBelow(program, '')
  const explained = commands.map(({ path, children }) => ({
    path: ` help${path}`,
    children,
    flags: [],
    operands: [],
    takesObject: false,
  }))
  return [...commands.filter(({ path }) => path !== ' help'), ...explained]
}

function withThoseBelow(command: Command, path: string): readonly CompletedCommand[] {
  const help = command.createHelp()
  const children = help.visibleCommands(command)
  return [
    {
      path,
      children: children.map((child) => ({ name: child.name(), description: firstSentence(child.description()) })),
      flags: help.visibleOptions(command).map(flag),
      operands: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
      takesObject: command.registeredArguments.some((argument) => argument.name() === 'NAME'),
    },
    ...children.flatMap((child) => withThoseBelow(child, `${path} ${child.name()}`)),
  ]
}

function flag(option: Option): CompletedFlag {
  const names = [option.short, option.long].filter((name) => name !== undefined)
  return { names, description: firstSentence(option.description), value: expectedBy(option) }
}

function expectedBy({ required, argChoices, flags, long }: Option): CompletedFlag['value'] {
  if (!required) return 'none'
  if (long === '--context') return 'contexts'
  if (long === '--cv') return 'objects'
  if (/<NS>$/.test(flags)) return 'namespaces'
  // The shell completes the fixed part of semver=RANGE.
  if (argChoices) return { choices: argChoices.map((choice) => choice.replace(/=.*/, '=')) }
  return /<(?:FILE|DIR)>$/.test(flags) ? 'file' : 'any'
}

/** Without quotes and colons, which every shell escapes differently. */
const firstSentence = (text: string): string => (/^[^.:;]*/.exec(text)?.[0] ?? '').replaceAll(/["'`$\\]/g, '').trim()

/** The matching flags of all commands, each with its path, as patterns of a shell's `case`. */
export const patternsOf = (commands: readonly CompletedCommand[], is: (flag: CompletedFlag) => boolean): string =>
  commands
    .flatMap(({ path, flags }) => flags.filter(is).flatMap(({ names }) => names.map((name) => `'${path} ${name}'`)))
    .join(' | ')

/** The choices of flags, separated by spaces; flags with the same choices share an entry. */
export function choicesOf(commands: readonly CompletedCommand[]): readonly { patterns: string; choices: string }[] {
  const textOf = ({ value }: CompletedFlag) => (typeof value === 'object' ? value.choices.join(' ') : '')
  const distinct = new Set(commands.flatMap(({ flags }) => flags.map(textOf)).filter((choices) => choices !== ''))
  return [...distinct].map((choices) => ({
    choices,
    patterns: patternsOf(commands, (flag) => textOf(flag) === choices),
  }))
}

/** Whose value has names in the cluster. */
export const isNamed = ({ value }: CompletedFlag): boolean => named.some((each) => each === value)

/** The paths of the commands, quoted. */
export const pathsOf = (commands: readonly CompletedCommand[]): readonly string[] =>
  commands.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`)

/** Command lines as the first cvmanager took them, in the order and the form that commander takes. */
import type { Command, Option } from 'commander'
import { UsageError } from '../../errors.ts'

const renamed: Readonly<Record<string, string>> = { '--use-rollback': '--rollback' }

/**
 * Moves flags behind the command that they precede (`cr --repo R tags get`), and writes `--history=false` as `--no-history`.
 * @throws UsageError
 */
export function normalized(program: Command, args: readonly string[]): readonly string[] {
  const words: string[] = []
  const early: string[] = []
  let command = program
  let rest = args
  while (command.commands.length > 0) {
    const [arg = '--', value] = rest
    const child = command.commands.find((candidate) => candidate.name() === arg)
    if (child) {
      command = child
      words.push(arg)
      rest = rest.slice(1)
      continue
    }
    const option = arg.startsWith('-') ? flagBelow(command, nameIn(arg)) : undefined
    if (!option) break
    const isAttached = arg.includes('=') || /^-[^-]./.test(arg)
    const taken = option.required && !isAttached && value !== undefined ? 2 : 1
    early.push(...rest.slice(0, taken))
    rest = rest.slice(taken)
  }
  const flags = early.flatMap((arg) => switched(command, arg))
  const end = rest.indexOf('--')
  const [before, after] = end < 0 ? [rest, []] : [rest.slice(0, end), rest.slice(end)]
  const others = [...before.flatMap((arg) => switched(command, arg)), ...after]
  // Without a command, what was given in its place comes first: the error is about that.
  if (!isGroup(command)) return [...words, ...flags, ...others]
  return words.length > 0 && others.length === 0 ? words : [...words, ...others, ...flags]
}

/** A group such as `cr` has no flags of its own, and neither has the program but for its version. */
const isGroup = (command: Command): boolean => command.commands.length > 0 && !command.options.some(isFlagOfCommand)

const isFlagOfCommand = ({ long }: Option): boolean => long !== '--version'

/** The flag of a command, or of one below it. The program's own stay where they are. */
function flagBelow(command: Command, name: string): Option | undefined {
  const own = command.options.find(({ short, long }) => short === name || long === name)
  if (own) return command.parent ? own : undefined
  for (const child of command.commands) {
    const below = flagBelow(child, name)
    if (below) return below
  }
  return undefined
}

const nameIn = (arg: string): string => {
  const name = /^-[^-]/.test(arg) ? arg.slice(0, 2) : arg.replace(/=.*$/s, '')
  return renamed[name] ?? name
}

/** As Go reads a switch with a value. */
function switched({ options }: Command, arg: string): readonly string[] {
  const name = nameIn(arg)
  const option = name.startsWith('--') ? options.find(({ long }) => long === name) : undefined
  if (!option || option.required) return [arg]
  if (!arg.includes('=')) return [name]
  const value = arg.slice(arg.indexOf('=') + 1)
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return [name]
  if (!/^(0|f|F|FALSE|false|False)$/.test(value)) {
    throw new UsageError(`${name}: give it no value, or =true or =false`)
  }
  const opposite = `--no-${name.slice(2)}`
  return options.some(({ long }) => long === opposite) ? [opposite] : []
}

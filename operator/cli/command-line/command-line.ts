/** commander's commands, with the help and the errors of cvmanager: what is wrong, and what to write instead. */
import { type Argument, Command, type Option } from 'commander'
import { nearest } from '../../config/nearest.ts'
import { UsageError } from '../../errors.ts'
import { CommandHelp } from './help.ts'

/** Collects the values of a flag that may be repeated. */
export const repeated = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Its errors are UsageErrors. */
export class CommandLine extends Command {
  declare readonly commands: readonly CommandLine[]
  declare parent: CommandLine | null

  override createCommand(name?: string): CommandLine {
    return new CommandLine(name)
  }

  override createHelp(): CommandHelp {
    return new CommandHelp()
  }

  /** A flag with a value needs one that is not empty, and only one unless it may be repeated. Hidden flags take what they took. */
  override addOption(option: Option): this {
    const { parseArg, argChoices } = option
    const name = nameOf(option)
    const key = option.attributeName()
    if (option.required && !option.hidden) {
      option.argParser((value: string, before: unknown) => {
        if (value === '')
          throw new UsageError(`${name}: the value is empty; write ${option.flags}, or leave the flag out`)
        if (parseArg === repeated) return repeated(value, before as readonly string[])
        if (this.getOptionValueSource(key) === 'cli' && value !== before) {
          throw new UsageError(`${name}: it is given twice, as ${quoted(before)} and ${quoted(value)}; give it once`)
        }
        if (parseArg === undefined || argChoices === undefined || argChoices.includes(value)) return value
        throw new UsageError(`${name}: ${notAmong(value, argChoices)}`)
      })
    }
    return super.addOption(option)
  }

  override addArgument(argument: Argument): this {
    const { argChoices } = argument
    if (argChoices !== undefined) {
      argument.argParser((value: string) => {
        if (argChoices.includes(value)) return value
        throw new UsageError(`${this.path}: ${notAmong(value, argChoices)}`)
      })
    }
    return super.addArgument(argument)
  }

  get program(): CommandLine {
    return this.parent?.program ?? this
  }

  /** The names of the commands in this group that its help shows. */
  get shownCommands(): readonly string[] {
    return this.#shown.map((command) => command.name())
  }

  /** The commands that do something, and not groups such as `cr tags`: this one, or those below it that the helps show. */
  get leaves(): readonly CommandLine[] {
    return this.#shown.length === 0 ? [this] : this.#shown.flatMap(({ leaves }) => leaves)
  }

  get #shown(): readonly CommandLine[] {
    return this.createHelp().visibleCommands(this) as unknown as readonly CommandLine[]
  }

  /** `cvmanager cr tags`. */
  get path(): string {
    return this.parent ? `${this.parent.path} ${this.name()}` : this.name()
  }

  /** A flag that must be given, but not for the commands below this one, as commander's mandatory ones must. */
  mandatoryValue(key: string): unknown {
    const value: unknown = this.opts()[key]
    const option = this.options.find((candidate) => candidate.attributeName() === key)
    return value === undefined && option ? this.missingMandatoryOptionValue(option) : value
  }

  override help(context?: unknown): never {
    // commander's answer to a group without a command.
    if (context) throw new UsageError(`${this.path}: which command? There is: ${this.shownCommands.join(', ')}`)
    return super.help()
  }

  // commander calls these methods (lib/command.js), though its types do not have them.

  unknownOption(flag: string): never {
    // The flags of an unknown command are unknown too.
    if (this.commands.length > 0 && !this.args[0]?.startsWith('-')) this.unknownCommand()
    // What follows the = may be a password.
    const given = flag.replace(/=.*/s, '')
    const known = this.createHelp()
      .visibleOptions(this)
      .flatMap(({ short, long }) => [short, long])
      .flatMap((name) => (name?.startsWith('--') ? [name.slice(2)] : []))
    const meant = given.startsWith('--') ? nearest(given.slice(2), known) : undefined
    const remedy = meant === undefined ? `${this.path} --help shows all flags` : `did you mean --${meant}?`
    throw new UsageError(`${given}: there is no such flag; ${remedy}`)
  }

  unknownCommand(given = this.args[0] ?? ''): never {
    const known = this.shownCommands
    const meant = nearest(given, known)
    const choices = known.length > 0 ? `there is: ${known.join(', ')}` : `${this.path} has no commands below it`
    const remedy = meant === undefined ? choices : `did you mean ${this.path} ${meant}?`
    throw new UsageError(`${this.path} ${given}: there is no such command; ${remedy}`)
  }

  missingArgument(): never {
    throw new UsageError(`${this.path}: an argument is missing; write ${this.#withArguments}`)
  }

  _excessArguments(given: readonly string[]): void {
    const { length } = this.registeredArguments
    const extra = given.slice(length).map(quoted).join(' ')
    const allowed = length === 0 ? 'it takes no arguments' : `write ${this.#withArguments}`
    throw new UsageError(`${this.path}: ${extra} is too much; ${allowed}`)
  }

  optionMissingArgument(option: Option): never {
    throw new UsageError(`${nameOf(option)}: the value is missing; write ${option.flags}`)
  }

  missingMandatoryOptionValue(option: Option): never {
    throw new UsageError(`${this.path}: ${nameOf(option)} is missing; write ${option.flags}`)
  }

  _conflictingOption(option: Option, other: Option): never {
    throw new UsageError(`${nameOf(option)}: it cannot go together with ${nameOf(other)}; leave one of them out`)
  }

  get #withArguments(): string {
    return [this.path, ...this.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ')
  }
}

/** What is wrong with a value, in the words of the settings. */
export const notAmong = (value: unknown, choices: readonly string[]): string =>
  `${quoted(value)} is not allowed; it must be one of ${choices.join(', ')}`

/** Both names of a flag with two long ones. */
const nameOf = ({ long, short, flags }: Option): string =>
  short?.startsWith('--') ? `${short}, ${long}` : (long ?? short ?? flags)

const quoted = (value: unknown): string => JSON.stringify(value)

/** The help of every command: flags in groups, wrapped at the width of the terminal, defaults in one form. */
import { type Argument, type Command, Help, type Option } from 'commander'

const minWidth = 60
const widthOfPipes = 80
/** A longer term stands on a line of its own. */
const maxTermWidth = 26

/** $COLUMNS counts before the terminal's width, as in other programs. */
export const widthOf = (terminal: number | undefined, COLUMNS = ''): number =>
  Math.max(Number.parseInt(COLUMNS, 10) || terminal || widthOfPipes, minWidth)

export class CommandHelp extends Help {
  override minWidthToWrap = 1

  override commandUsage(command: Command): string {
    const isGroup = this.visibleCommands(command).length > 0
    return super.commandUsage(command).replace(/\[options\](?: \[command\])?/, isGroup ? '<command>' : '[flags]')
  }

  override subcommandTerm(command: Command): string {
    return command.name()
  }

  override argumentDescription(argument: Argument): string {
    return described(argument)
  }

  override optionDescription(option: Option): string {
    return described(option)
  }

  override padWidth(command: Command, helper: Help): number {
    return Math.min(super.padWidth(command, helper), maxTermWidth)
  }

  override formatItem(term: string, termWidth: number, description: string, helper: Help): string {
    if (term.length <= termWidth) return super.formatItem(term, termWidth, description, helper)
    return `  ${term}\n${super.formatItem('', termWidth, description, helper)}`
  }

  /** Fills paragraphs anew. Lines with an indent, such as examples, stay as they are. */
  paragraphs(text: string, width: number): string {
    return text.replaceAll(/^\S.*(?:\n\S.*)*/gm, (paragraph) => this.boxWrap(paragraph.replaceAll('\n', ' '), width))
  }
}

type Described = Pick<Option, 'description' | 'argChoices' | 'defaultValue' | 'defaultValueDescription'> & {
  readonly mandatory?: boolean
}

function described({ description, mandatory, argChoices, defaultValue, defaultValueDescription }: Described): string {
  const byDefault = defaultValueDescription ?? defaultValue
  const more = [
    ...(mandatory ? ['required'] : []),
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(byDefault === undefined ? [] : [`default: ${String(byDefault)}`]),
  ]
  return more.length === 0 ? description : `${description} (${more.join('; ')})`
}

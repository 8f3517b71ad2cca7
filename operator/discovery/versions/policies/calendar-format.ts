/** The formats of the policy `calendar`: the notation of calver.org, with times of day and an optional part. */
import { invalidPolicy } from './policy.ts'

interface Part {
  readonly digits: 'fixed 2' | 'fixed 4' | '1 or 2' | 'any'
  readonly min?: number
  readonly max?: number
  /** The rank of a date's or a time's unit: years are compared first, wherever they stand. Counters have none. */
  readonly unit?: number
}

const parts: Readonly<Record<string, Part>> = {
  YYYY: { digits: 'fixed 4', unit: 0 },
  YY: { digits: 'fixed 2', unit: 0 },
  MM: { digits: '1 or 2', min: 1, max: 12, unit: 1 },
  '0M': { digits: 'fixed 2', min: 1, max: 12, unit: 1 },
  WW: { digits: '1 or 2', min: 1, max: 53, unit: 2 },
  '0W': { digits: 'fixed 2', min: 1, max: 53, unit: 2 },
  DD: { digits: '1 or 2', min: 1, max: 31, unit: 3 },
  '0D': { digits: 'fixed 2', min: 1, max: 31, unit: 3 },
  hh: { digits: 'fixed 2', max: 23, unit: 4 },
  mm: { digits: 'fixed 2', max: 59, unit: 5 },
  ss: { digits: 'fixed 2', max: 59, unit: 6 },
  MAJOR: { digits: 'any' },
  MINOR: { digits: 'any' },
  MICRO: { digits: 'any' },
}

type Token =
  | { readonly type: 'part'; readonly name: string; readonly part: Part; readonly at: number }
  | { readonly type: 'text' | 'open' | 'close'; readonly name: string; readonly at: number }

const names = Object.keys(parts).sort((one, other) => other.length - one.length)
/** Counters may be in lower case. */
const tokens = new RegExp(`${names.join('|')}|major|minor|micro|.`, 'gsu')
const remedy = `Use the parts ${Object.keys(parts).join(', ')}, with . _ - T or v between them and [ ] around an optional end, for example YYYY.MM.DD-MICRO. Remove other text by spec.policy.filter.`

/** The numbers of a date, in the order in which they are compared; undefined for text that does not have the format. */
export type DateReader = (value: string) => readonly bigint[] | undefined

/** @throws NeedsChangeError `VersionPolicyInvalid`, naming the character */
export function parseCalendarFormat(format: string): DateReader {
  const refuse = (fault: string, { at }: { readonly at: number }): never => {
    throw invalidPolicy('calendar.format', format, `${fault} at character ${at + 1}`, remedy)
  }
  const all = tokenize(format, refuse)
  const numbers = all.filter((token) => token.type === 'part')
  if (numbers.length === 0) return refuse('no part of a date', { at: 0 })
  checkBrackets(all, refuse)
  const pattern = new RegExp(`^${all.map((token, i) => source(token, all, i, refuse)).join('')}$`)
  const order = orderOf(numbers.map(({ part }) => part))

  return (value) => {
    const found = pattern.exec(value)?.slice(1)
    if (found === undefined) return undefined
    const isInRange = numbers.every(({ part: { min = 0, max } }, i) => {
      const text = found[i]
      return text === undefined || max === undefined || (Number(text) >= min && Number(text) <= max)
    })
    // A missing optional part is less than any number.
    return isInRange ? order.map((i) => (found[i] === undefined ? -1n : BigInt(found[i]))) : undefined
  }
}

type Refuse = (fault: string, token: { readonly at: number }) => never

function tokenize(format: string, refuse: Refuse): Token[] {
  return [...format.matchAll(tokens)].map(({ 0: name, index: at }): Token => {
    const part = parts[name] ?? (name.length > 2 ? parts[name.toUpperCase()] : undefined)
    if (part !== undefined) return { type: 'part', name, part, at }
    if (name === '[') return { type: 'open', name, at }
    if (name === ']') return { type: 'close', name, at }
    return /^[._Tv-]$/.test(name) ? { type: 'text', name, at } : refuse(`"${name}"`, { at })
  })
}

/** The optional part must be the only one, and at the end: otherwise a date could be read in two ways. */
function checkBrackets(all: readonly Token[], refuse: Refuse): void {
  const open = all.findIndex(({ type }) => type === 'open')
  const close = all.findIndex(({ type }) => type === 'close')
  const [opening, closing, after] = [all[open], all[close], all[close + 1]]
  if (closing !== undefined && (opening === undefined || close < open)) refuse('a ] without its [', closing)
  if (opening === undefined) return
  if (closing === undefined) refuse('a [ without its ]', opening)
  const second = all.slice(open + 1).find(({ type }) => type === 'open')
  if (second !== undefined) refuse('a second [', second)
  if (!all.slice(open, close).some(({ type }) => type === 'part')) refuse('a [ ] without a number in it', opening)
  if (after !== undefined) refuse('more after the ]', after)
}

/** A number that touches another one must have a fixed width: otherwise its end would be ambiguous. */
function source(token: Token, all: readonly Token[], index: number, refuse: Refuse): string {
  switch (token.type) {
    case 'text':
      return token.name.replace('.', '\\.')
    case 'open':
      return '(?:'
    case 'close':
      return ')?'
    case 'part': {
      const isNumber = (step: number): boolean => neighbour(all, index, step)?.type === 'part'
      if (token.part.digits === 'fixed 4') return '([0-9]{4})'
      if (token.part.digits === 'fixed 2') return '([0-9]{2})'
      if (token.part.digits === '1 or 2') return isNumber(1) || isNumber(-1) ? '([0-9]{2})' : '([0-9]{1,2})'
      return isNumber(1)
        ? refuse(`${token.name}, which another number follows without a separator,`, token)
        : '([0-9]+)'
    }
    default:
      return token satisfies never
  }
}

function neighbour(all: readonly Token[], index: number, step: number): Token | undefined {
  const next = all[index + step]
  return next?.type === 'open' || next?.type === 'close' ? all[index + 2 * step] : next
}

/** From left to right, but with dates and times sorted by unit among themselves: `DD.MM.YYYY` is compared like `YYYY.MM.DD`. */
function orderOf(numbers: readonly Part[]): number[] {
  const units = (i: number): number => numbers[i]?.unit ?? 0
  const dates = numbers.flatMap((part, i) => (part.unit === undefined ? [] : [i])).sort((a, b) => units(a) - units(b))
  return numbers.map((part, i) => (part.unit === undefined ? i : (dates.shift() ?? i)))
}

/**
 * The kinds of settings, as convict formats. Each describes the values that it allows, for error messages and for
 * docs/settings.md. convict's own formats do not fit: its `port` reads "80a" as 80, its `Boolean` reads "off" as true.
 */
import convict from 'convict'

/** The groups of settings, with their headings in the help and in the docs, in the order of both. */
export const groupHeadings = {
  cluster: 'The cluster',
  manager: 'The manager',
  rollout: 'Rollouts',
  registry: 'Registries',
  push: 'Push',
  stats: 'statsd',
  log: 'The log',
} as const
export type Group = keyof typeof groupHeadings
export const groups = Object.keys(groupHeadings) as readonly Group[]

interface About {
  /** The first sentence is the help of the flag; docs/settings.md has all of it. */
  readonly doc: string
  /** What the default means, if its value does not say so. */
  readonly meaning?: string
  readonly group: Group
  /** The name of the flag, if it is not the key in kebab case. */
  readonly flag?: string
  /** A second name of the flag. */
  readonly alias?: string
  /** The help of `--no-<flag>`, for a setting that is on by default. */
  readonly off?: string
  /** The name of the value in the help. */
  readonly placeholder?: string
  /** False for settings that are needed to read the ConfigMap; `only` for one that has neither flag nor variable. */
  readonly configMap?: false | 'only'
}

export interface Setting<T> extends About {
  readonly default: T
  readonly format: string
  /** The allowed values, in words that follow "must be". */
  readonly allowed: string
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly string[]
  readonly pattern?: Pick<RegExp, 'test'>
}

export function wholeNumber(value: number, min: number, max: number, about: About): Setting<number> {
  const allowed = `a whole number from ${min} to ${max}`
  return { placeholder: 'N', ...about, default: value, format: 'cvm-whole-number', allowed, min, max }
}

export function yesOrNo(value: boolean, about: About): Setting<boolean> {
  return { ...about, default: value, format: 'cvm-yes-or-no', allowed: 'true or false' }
}

export function oneOf<const T extends string>(value: NoInfer<T>, choices: readonly T[], about: About): Setting<T> {
  const allowed = `one of ${choices.join(', ')}`
  return { placeholder: 'WORD', ...about, default: value, format: 'cvm-one-of', allowed, choices }
}

/** @param allowed the meaning of `pattern` in words; an empty text is always allowed and means "not set" */
export function text(value: string, pattern: Pick<RegExp, 'test'>, allowed: string, about: About): Setting<string> {
  return { placeholder: 'TEXT', ...about, default: value, format: 'cvm-text', allowed, pattern }
}

/** @param each one item in words */
export function list(pattern: RegExp, each: string, about: About): Setting<readonly string[]> {
  const allowed = `${each}, or several separated by commas`
  return { placeholder: 'TEXT', ...about, default: [], format: 'cvm-list', allowed, pattern }
}

function check(holds: boolean): void {
  if (!holds) throw new Error('not allowed')
}

const isList = (value: unknown): value is readonly string[] => Array.isArray(value)

convict.addFormats({
  'cvm-whole-number': {
    coerce: (value: string) => (/^(0|[1-9][0-9]{0,9})$/.test(value) ? Number(value) : value),
    validate: (value: unknown, { min, max }) => check(typeof value === 'number' && value >= min && value <= max),
  },
  'cvm-yes-or-no': {
    coerce: (value: string) => ({ true: true, false: false })[value] ?? value,
    validate: (value: unknown) => check(typeof value === 'boolean'),
  },
  'cvm-one-of': {
    validate: (value: unknown, { choices }) => check(choices.includes(value)),
  },
  'cvm-text': {
    validate: (value: unknown, { pattern }) =>
      check(value === '' || (typeof value === 'string' && pattern.test(value))),
  },
  'cvm-list': {
    coerce: (value: string) => itemsOf([value]),
    validate: (value: unknown, { pattern }) => check(isList(value) && value.every((item) => pattern.test(item))),
  },
})

/** The items of a repeated flag, or of one text with commas, line breaks, or both. */
export function itemsOf(texts: readonly string[]): readonly string[] {
  const items = texts.flatMap((text) => text.split(/[\s,]+/)).filter((item) => item !== '')
  return [...new Set(items)]
}

/** `spec.versionSyntax`: a pattern of the user's, which must match a whole tag and cannot be made to run for long. */
import { RE2JS } from 're2js'
import { messageOf, NeedsChangeError } from '../errors.ts'
import { Lru } from '../registries/lru.ts'
import { isTag } from '../registries/reference.ts'

const longestPattern = 256
/** A tag has at most 128 characters: no counted repetition needs more in all. Larger ones only cost time to compile. */
const mostRepetitions = 256
/** Instructions of the compiled pattern; the default one has 77. */
const largestProgram = 1000
/** Compiled patterns keep states that they have seen, up to some megabytes for an evil one. */
const mostCompiled = 64

export interface VersionSyntax {
  /** Whether `text` is a legal tag that the pattern matches from its first character to its last. */
  matches(text: string): boolean
}

const compiled = new Lru<VersionSyntax>(mostCompiled)

/** @throws NeedsChangeError `VersionSyntaxInvalid`, which says where and what to write */
export function parseVersionSyntax(pattern: string): VersionSyntax {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  const syntax = compile(pattern)
  compiled.set(pattern, syntax)
  return syntax
}

function compile(pattern: string): VersionSyntax {
  if (pattern.length > longestPattern) throw invalid(pattern.slice(0, 40), `more than ${longestPattern} characters`)
  if (repetitions(pattern) > mostRepetitions) {
    throw invalid(pattern, `repetitions of more than ${mostRepetitions} characters in all, where a tag has at most 128`)
  }
  let program: RE2JS
  try {
    program = RE2JS.compile(pattern)
  } catch (error) {
    throw invalid(pattern, faultOf(error, pattern))
  }
  if (program.programSize() > largestProgram) throw invalid(pattern, 'too many repetitions within repetitions')
  return { matches: (text) => isTag(text) && program.testExact(text) }
}

/** The sum of the upper bounds of `{n}`, `{n,}` and `{n,m}`. */
function repetitions(pattern: string): number {
  let sum = 0
  for (const [, least, most] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) sum += Number(most ? most : least)
  return sum
}

function faultOf(error: unknown, pattern: string): string {
  if (!(error instanceof Error) || !('error' in error) || !('input' in error)) return messageOf(error)
  const at = pattern.indexOf(String(error.input))
  return at < 0 ? String(error.error) : `${error.error} at character ${at + 1}`
}

const invalid = (pattern: string, fault: string): NeedsChangeError =>
  new NeedsChangeError(
    'VersionSyntaxInvalid',
    `spec.versionSyntax "${pattern}" is not a pattern that can be used: ${fault}. Write an RE2 pattern for the whole tag, for example [0-9a-f]{5,40} for git commits or v[0-9]+\\.[0-9]+\\.[0-9]+ for releases.`,
  )

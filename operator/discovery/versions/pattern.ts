/** Patterns that users write: RE2, so that no text takes long to match, and bounded, so that none is dear to keep. */
import { RE2JS } from 're2js'
import { messageOf } from '../../errors.ts'
import { Lru } from '../../registries/lru.ts'

const longestPattern = 256
/** A tag has at most 128 characters: no counted repetition needs more in all. Larger ones only cost time to compile. */
const mostRepetitions = 256
/** Instructions of the compiled pattern; the default versionSyntax has 77. */
const largestProgram = 1000
/** Compiled patterns keep states that they have seen, up to some megabytes for an evil one. */
const mostCompiled = 64

/** What is wrong with a pattern, and where, as the rest of a sentence. */
export interface PatternFault {
  readonly pattern: string
  readonly fault: string
}

const compiled = new Lru<RE2JS>(mostCompiled)

/** @param refuse makes the error that names the field of the spec */
export function compilePattern(pattern: string, refuse: (fault: PatternFault) => Error): RE2JS {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  const program = compile(pattern, refuse)
  compiled.set(pattern, program)
  return program
}

function compile(pattern: string, refuse: (fault: PatternFault) => Error): RE2JS {
  if (pattern.length > longestPattern) {
    throw refuse({ pattern: pattern.slice(0, 40), fault: `more than ${longestPattern} characters` })
  }
  if (repetitions(pattern) > mostRepetitions) {
    const fault = `repetitions of more than ${mostRepetitions} characters in all, where a tag has at most 128`
    throw refuse({ pattern, fault })
  }
  let program: RE2JS
  try {
    program = RE2JS.compile(pattern)
  } catch (error) {
    throw refuse({ pattern, fault: faultOf(error, pattern) })
  }
  if (program.programSize() > largestProgram) {
    throw refuse({ pattern, fault: 'too many repetitions within repetitions' })
  }
  return program
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

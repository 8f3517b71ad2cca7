/** Patterns that users write: RE2, so that no text takes long to match, and bounded, so that none takes much memory. */
import { LRUCache } from 'lru-cache'
import { RE2JS } from 're2js'
import { messageOf } from '../../errors.ts'

const maxPatternLength = 256
/** A tag has at most 128 characters, so no pattern needs more counted repetitions. More of them only take time to compile. */
const maxRepetitions = 256
/** Instructions of the compiled pattern; the default versionSyntax has 77. */
const maxProgramSize = 1000
/** Compiled patterns keep states that they have seen: up to some megabytes for a malicious one. */
const maxCompiled = 64

export const patternTakesTooLong = 'it takes too long for the tags of this repository'
export const simplerPattern =
  'Write one that can match a tag in one way only: [0-9]+ for a number, and not .* or (.?){100} before other repetitions.'

/** What is wrong with a pattern, and where, as the rest of a sentence. */
export interface PatternFault {
  readonly pattern: string
  readonly fault: string
}

const compiled = new LRUCache<string, RE2JS>({ max: maxCompiled })

/** @param invalid makes the error that names the field of the spec */
export function compilePattern(pattern: string, invalid: (fault: PatternFault) => Error): RE2JS {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  const program = compile(pattern, invalid)
  compiled.set(pattern, program)
  return program
}

function compile(pattern: string, invalid: (fault: PatternFault) => Error): RE2JS {
  if (pattern.length > maxPatternLength) {
    throw invalid({ pattern: pattern.slice(0, 40), fault: `more than ${maxPatternLength} characters` })
  }
  if (repetitions(pattern) > maxRepetitions) {
    const fault = `repetitions of more than ${maxRepetitions} characters in all, where a tag has at most 128`
    throw invalid({ pattern, fault })
  }
  let program: RE2JS
  try {
    program = RE2JS.compile(pattern)
  } catch (error) {
    throw invalid({ pattern, fault: faultOf(error, pattern) })
  }
  if (program.programSize() <= maxProgramSize) return program
  throw invalid({ pattern, fault: 'too many repetitions within repetitions' })
}

/** The sum of the upper bounds of `{n}`, `{n,}` and `{n,m}`. */
function repetitions(pattern: string): number {
  let sum = 0
  for (const [, min, max] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) sum += Number(max ? max : min)
  return sum
}

function faultOf(error: unknown, pattern: string): string {
  if (!(error instanceof Error) || !('error' in error) || !('input' in error)) return messageOf(error)
  const index = pattern.indexOf(String(error.input))
  return index < 0 ? String(error.error) : `${error.error} at character ${index + 1}`
}

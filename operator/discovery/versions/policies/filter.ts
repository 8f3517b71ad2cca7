import type { RE2JS } from 're2js'
import type { VersionPolicySpec } from '../../../api/policy.ts'
import { leavesOut } from '../attached-tags.ts'
import { compilePattern } from '../pattern.ts'
import { invalidPolicy } from './policy.ts'

/** The part of a tag that is compared; undefined for a tag that is filtered out. */
export type Filter = (tag: string) => string | undefined

/** As long as a tag may be: what is longer repeats parts of one, and would take long to compare. */
export const maxValueLength = 128

const isAttached = leavesOut()
const everyTag: Filter = (tag) => (isAttached(tag) ? undefined : tag)

/** @throws NeedsChangeError `VersionPolicyInvalid`, which says where and what to write */
export function parseFilter(filter: VersionPolicySpec['filter']): Filter {
  if (filter === undefined) return everyTag
  const program = compilePattern(filter.pattern, ({ pattern, fault }) =>
    invalidPolicy(
      'filter.pattern',
      pattern,
      fault,
      'Write an RE2 pattern for the whole tag, for example v(?P<version>.+)-alpine, of which filter.extract can be $version.',
    ),
  )
  const isLeftOut = leavesOut(filter.pattern)
  const passes = (tag: string): boolean => program.testExact(tag) && !isLeftOut(tag)
  if (filter.extract === undefined) return (tag) => (passes(tag) ? tag : undefined)

  const pieces = parseExtract(filter.extract, program)
  return (tag) => {
    // Much faster than a match with groups, and most tags fail it.
    if (!passes(tag)) return undefined
    const match = program.matcher(tag)
    if (!match.matches()) return undefined
    let value = ''
    for (const { text, group } of pieces) {
      value += group === undefined ? text : (match.group(group) ?? '')
      if (value.length > maxValueLength) return undefined
    }
    return value
  }
}

interface Piece {
  readonly text: string
  readonly group?: number
}

/** `$1`, `$name`, `${1}`, `${name}`, `$$` for a dollar, and text. A name is as long as possible: `${n}0`, not `$n0`. */
const pieceSyntax = /\$(?:\$|(\w+)|\{(\w+)\})|([^$]+)|(\$)/gs

function parseExtract(extract: string, program: RE2JS): readonly Piece[] {
  const refuse = (fault: string): never => {
    throw invalidPolicy('filter.extract', extract, fault, remedyFor(program))
  }
  const names: Readonly<Record<string, number>> = program.namedGroups()
  const found = [...extract.matchAll(pieceSyntax)].map((piece): Piece => {
    const [all, bare, braced, text] = piece
    const name = bare ?? braced
    if (text !== undefined) return { text }
    if (all === '$$') return { text: '$' }
    const place = `at character ${piece.index + 1}`
    if (name === undefined) return refuse(`a $ without a group ${place}`)
    const group = /^\d+$/.test(name) ? Number(name) : names[name]
    if (group === undefined || group > program.groupCount()) return refuse(`the pattern has no group ${name}, ${place}`)
    return { text: '', group }
  })
  if (!found.some(({ group }) => group !== undefined)) refuse('it names no group, so all tags would be equal')
  return found
}

function remedyFor(program: RE2JS): string {
  const names = Object.keys(program.namedGroups())
  const groups = names.length > 0 ? names : Array.from({ length: program.groupCount() }, (_, i) => String(i + 1))
  return groups.length > 0
    ? `The pattern has: ${groups.map((name) => `$${name}`).join(', ')}.`
    : 'Put parentheses around the part of filter.pattern to compare, and write $1.'
}

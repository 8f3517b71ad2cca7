/** `spec.versionSyntax`: a user's pattern, which must match the whole tag and cannot be made to run for long. */
import { NeedsChangeError } from '../../errors.ts'
import { isTag } from '../../images/reference.ts'
import { leavesOut } from './attached-tags.ts'
import { compilePattern, type PatternFault, patternTakesTooLong } from './pattern.ts'

export interface VersionSyntax {
  /** Whether `text` is a valid tag that the pattern matches as a whole, and not one of a signature or the like. */
  matches(text: string): boolean
  readonly tooLong: () => NeedsChangeError
}

/** @throws NeedsChangeError `VersionSyntaxInvalid`, which says where the fault is and what to write */
export function parseVersionSyntax(pattern: string): VersionSyntax {
  const program = compilePattern(pattern, invalid)
  const isLeftOut = leavesOut(pattern)
  return {
    matches: (text) => isTag(text) && program.testExact(text) && !isLeftOut(text),
    tooLong: () => invalid({ pattern, fault: patternTakesTooLong }),
  }
}

const invalid = ({ pattern, fault }: PatternFault): NeedsChangeError =>
  new NeedsChangeError(
    'VersionSyntaxInvalid',
    `spec.versionSyntax "${pattern}" cannot be used: ${fault}. Write an RE2 pattern for the whole tag, for example [0-9a-f]{5,40} for git commits or v[0-9]+\\.[0-9]+\\.[0-9]+ for releases.`,
  )

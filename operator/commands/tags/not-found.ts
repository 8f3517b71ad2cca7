/** That there is no such image, tag or repository: what scripts tell apart from other failures. */
import { NeedsChangeError } from '../../errors.ts'

type Missing = 'RepositoryNotFound' | 'NoTagMatches'
const reasons: ReadonlySet<string> = new Set(['TagNotFound', 'ImageNotFound', 'RepositoryNotFound', 'NoTagMatches'])

export const isNotFound = (thrown: unknown): boolean => thrown instanceof NeedsChangeError && reasons.has(thrown.reason)

export const notFound = (reason: Missing, fault: string, flag: string): NeedsChangeError =>
  new NeedsChangeError(reason, `${fault}. Push it, or correct ${flag}.`)

/** Errors that mean "no such image, tag or repository". Scripts tell them apart by the exit status. */
import { NeedsChangeError } from '../../errors.ts'

type Missing = 'RepositoryNotFound' | 'NoTagMatches'
const reasons: ReadonlySet<string> = new Set(['TagNotFound', 'ImageNotFound', 'RepositoryNotFound', 'NoTagMatches'])

export const isNotFound = (thrown: unknown): boolean => thrown instanceof NeedsChangeError && reasons.has(thrown.reason)

export const notFound = (reason: Missing, fault: string, flag: string): NeedsChangeError =>
  new NeedsChangeError(reason, `${fault}. Push it, or correct ${flag}.`)

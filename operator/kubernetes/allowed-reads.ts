import { isForbidden } from './api-error.ts'

/** Reads that go without what the account may not read. */
export type AllowedReads = <T>(read: Promise<T>, otherwise: T) => Promise<T>

/** @param refusals receives the API server's answer to each read that it has refused */
export const allowedReads =
  (refusals: Set<string>): AllowedReads =>
  (read, otherwise) =>
    read.catch((thrown: unknown) => {
      if (!isForbidden(thrown)) throw thrown
      refusals.add(thrown.message)
      return otherwise
    })

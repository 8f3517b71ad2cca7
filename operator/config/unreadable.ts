/** Why a file cannot be read, in one wording for all that read files. */
import { accessSync, constants, statSync } from 'node:fs'
import { messageOf } from '../errors.ts'

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined)

const isFolder = (path: string): string => `${path} is a folder, not a file`

export const isMissing = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(String(codeOf(thrown)))

/** @param thrown what an attempt to read it has thrown */
export function unreadable(path: string, thrown: unknown): string {
  if (isMissing(thrown)) return `there is no file ${path}`
  if (codeOf(thrown) === 'EISDIR') return isFolder(path)
  return `cannot read ${path}: ${codeOf(thrown) === 'EACCES' ? 'this user may not' : messageOf(thrown)}`
}

/** Undefined if it can be read. */
export function whyUnreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK)
    return statSync(path).isDirectory() ? isFolder(path) : undefined
  } catch (thrown) {
    return unreadable(path, thrown)
  }
}

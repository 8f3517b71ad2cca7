/** What this program is: version and commit are written into the bundle; from the sources they are read. */
import { readFileSync } from 'node:fs'

export interface Version {
  readonly version: string
  /** Of the sources that were built, short; `unknown` where they were no git checkout. */
  readonly commit: string
  readonly node: string
}

// Replaced by scripts/build.ts; from the sources they do not exist.
declare const CVMANAGER_BUILD: { readonly version: string; readonly commit: string } | undefined

export const version: Version = {
  ...(typeof CVMANAGER_BUILD === 'undefined' ? fromSources() : CVMANAGER_BUILD),
  node: process.versions.node,
}

/** For the User-Agent header. */
export const userAgent = `cvmanager/${version.version}`

function fromSources(): { version: string; commit: string } {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return { version, commit: 'unknown' }
}

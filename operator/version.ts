/** The version of this program: part of the bundle, or read from package.json when it runs from the sources. */
import { readFileSync } from 'node:fs'

export interface Version {
  readonly version: string
  /** The short commit of the sources; `unknown` if they are not a git checkout. */
  readonly commit: string
  readonly node: string
}

// Defined by scripts/build.ts; undefined when the program runs from the sources.
declare const CVMANAGER_BUILD: { readonly version: string; readonly commit: string } | undefined

export const version: Version = {
  ...(typeof CVMANAGER_BUILD === 'undefined' ? fromSources() : CVMANAGER_BUILD),
  node: process.versions.node,
}

function fromSources(): { version: string; commit: string } {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return { version, commit: 'unknown' }
}

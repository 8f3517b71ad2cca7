import semver from 'semver'
import { highest } from './highest.ts'
import { invalidPolicy } from './invalid.ts'
import type { Candidate, PolicyKind, VersionPolicy } from './policy.ts'

/** The highest semantic version in a range of npm's notation. `1.2` is none: it is the usual name of a tag that moves. */
class Semver implements VersionPolicy {
  readonly wanted: string
  readonly #range: semver.Range

  constructor(range: string, includePrerelease: boolean) {
    this.#range = parseRange(range, includePrerelease)
    const prereleases = includePrerelease ? ', prereleases included' : ''
    this.wanted = `a semantic version (major.minor.patch) in the range ${range}${prereleases}`
  }

  choose(candidates: Iterable<Candidate>): Candidate | undefined {
    return highest(
      candidates,
      ({ value }) => {
        const version = semver.parse(value)
        return version && this.#range.test(version) ? version : undefined
      },
      semver.compareBuild,
    )
  }
}

function parseRange(range: string, includePrerelease: boolean): semver.Range {
  try {
    return new semver.Range(range, { includePrerelease })
  } catch {
    throw invalidPolicy(
      'semver.range',
      range,
      faultOf(range),
      'Write a range as npm does, for example ~1.4 for the patches of 1.4, ^2 for all of 2, or >=1.2.0 <3.',
    )
  }
}

/** The first word that is no comparator, and where it stands. */
function faultOf(range: string): string {
  for (const { 0: word, index } of range.matchAll(/[^\s|]+/g)) {
    if (word !== '-' && semver.validRange(word) === null) return `"${word}" at character ${index + 1} is no version`
  }
  return 'it is no range of versions'
}

export const semanticVersion: PolicyKind<'semver'> = {
  needs: 'tags',
  make: ({ range, prerelease = false }) => new Semver(range, prerelease),
  words: ({ range }) => `semver ${range}`,
  best: 'the highest',
  identity: ({ range, prerelease = false }) => [range, prerelease],
  // No range has a comma in it.
  argument: 'RANGE[,prerelease]',
  fromLine: (argument) => {
    const range = argument.replace(/,prerelease$/, '')
    return range === argument ? { range } : { range, prerelease: true }
  },
}

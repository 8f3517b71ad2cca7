import semver from 'semver'
import { highest } from './highest.ts'
import { invalidPolicy, type PolicyKind } from './policy.ts'

/** The highest semantic version in a range of npm's notation. `1.2` is no semantic version: it is usually a moving tag. */
export const semanticVersion: PolicyKind<'semver'> = {
  needs: 'tags',
  make: ({ range: text, prerelease = false }) => {
    const range = parseRange(text, prerelease)
    const versionOf = (value: string) => {
      const version = semver.parse(value)
      return version && range.test(version) ? version : undefined
    }
    return highest(
      `a semantic version (major.minor.patch) in the range ${text}${prerelease ? ', prereleases included' : ''}`,
      ({ value }) => versionOf(value),
      semver.compareBuild,
    )
  },
  words: ({ range }) => `semver ${range}`,
  best: 'the highest',
  // No range has a comma in it.
  argument: 'RANGE[,prerelease]',
  fromLine: (argument) => {
    const range = argument.replace(/,prerelease$/, '')
    return range === argument ? { range } : { range, prerelease: true }
  },
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

/** Names the first word that is no comparator, and its place. */
function faultOf(range: string): string {
  for (const { 0: word, index } of range.matchAll(/[^\s|]+/g)) {
    if (word !== '-' && semver.validRange(word) === null) return `"${word}" at character ${index + 1} is no version`
  }
  return 'it is no range of versions'
}

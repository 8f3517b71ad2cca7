/** The tags that versionSyntax does not match: they show what it could be instead. */
import { leavesOut } from './attached-tags.ts'
import { compareNaturally } from './natural-order.ts'

const maxShown = 5

const isAttached = leavesOut()

/** Whether a tag could tell versions apart, as `v1.2` and `build-7` do, and `env-prod` and `latest` do not. */
export const isNumbered = (tag: string): boolean => /\d/.test(tag)
const looksLikeVersion = (tag: string): boolean => /^v?\d+(?:\.\d+)+/.test(tag)

interface Ranked {
  readonly tag: string
  readonly rank: number
}

/** The likeliest versions come first. */
const compare = (one: Ranked, other: Ranked): number => other.rank - one.rank || compareNaturally(other.tag, one.tag)

export class OtherTags {
  /** One more than are shown, since the followed tag may be among them. */
  readonly #likeliest: Ranked[] = []
  #count = 0

  add(tag: string): void {
    if (isAttached(tag) || this.#likeliest.some((each) => each.tag === tag)) return
    this.#count += 1
    const added = { tag, rank: Number(looksLikeVersion(tag)) + Number(isNumbered(tag)) }
    const last = this.#likeliest[maxShown]
    if (last !== undefined && compare(last, added) < 0) return
    const at = this.#likeliest.findIndex((each) => compare(added, each) < 0)
    this.#likeliest.splice(at < 0 ? this.#likeliest.length : at, 0, added)
    this.#likeliest.splice(maxShown + 1)
  }

  /**
   * `v1.2, v1.1 and 12 more`, without the followed tag; empty if there is none.
   * @param followed empty if none of these tags is followed
   */
  listed(followed: string): string {
    const shown = this.#without(followed).slice(0, maxShown)
    const left = this.#count - shown.length - (followed === '' ? 0 : 1)
    return `${shown.join(', ')}${left > 0 ? ` and ${left} more` : ''}`
  }

  /** A pattern that matches tags such as these; undefined if they do not show what versions look like. */
  suggestion(followed: string): string | undefined {
    if (looksLikeVersion(followed)) return patternOf(followed)
    // One that matches the moving tag would make it the version.
    const moving = patternOf(followed)
    return this.#without(followed)
      .filter(isNumbered)
      .map(patternOf)
      .find((pattern) => pattern !== moving)
  }

  #without(followed: string): readonly string[] {
    return this.#likeliest.map(({ tag }) => tag).filter((tag) => tag !== followed)
  }
}

const commit = /^(?=.*\d)(?=.*[a-f])[0-9a-f]{7,40}$/
/** A longer one would not be read. */
const maxPatternLength = 80

/** `v[0-9]+[.][0-9]+` for `v1.2`. It has no backslash, so that it may stand between any quotes. */
function patternOf(tag: string): string | undefined {
  const parts = tag.split(/(?<=[._-])|(?=[._-])/)
  const pattern = parts
    .map((part) => (commit.test(part) ? '[0-9a-f]+' : part.replaceAll('.', '[.]').replaceAll(/\d+/g, '[0-9]+')))
    .join('')
  return pattern.length <= maxPatternLength ? pattern : undefined
}

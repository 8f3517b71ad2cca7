/** Finds the newest of several tags by their numbers. If the numbers do not decide, it names a rival and does not guess. */
import { compareNaturally } from '../../discovery/versions/natural-order.ts'

export interface Newest {
  readonly tag: string
  /** Another tag that sorts before `tag` by letters and not by numbers: git commits have no order. */
  readonly rival: string | undefined
}

/** @returns undefined if there are no tags */
export function newestOf(tags: readonly string[]): Newest | undefined {
  const [tag, ...others] = [...new Set(tags)].sort((one, other) => compareNaturally(other, one))
  return tag === undefined ? undefined : { tag, rival: others.find((other) => !isNewer(tag, other)) }
}

/** The digits in git commits are not numbers. */
function areCommits(one: string, other: string): boolean {
  const commit = /^[0-9a-f]{5,40}$/
  return commit.test(one) && commit.test(other) && /[a-f]/.test(one + other)
}

/** Compares the first number that differs. `1.2.1` is also newer than `1.2`, but `1.2-rc1` is not. */
function isNewer(one: string, other: string): boolean {
  if (areCommits(one, other)) return false
  const parts = one.split(/(\d+)/)
  const others = other.split(/(\d+)/)
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? ''
    const another = others[at] ?? ''
    if (part === another) continue
    const isNumber = at % 2 === 1
    if (isNumber) return BigInt(part) !== BigInt(another || '-1')
    return another === '' && at === others.length - 1 && part === '.'
  }
  return false
}

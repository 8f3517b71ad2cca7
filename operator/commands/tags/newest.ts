/** The newest of some tags, by their numbers; where these do not tell, nobody guesses. */
import { compareNaturally } from '../../discovery/versions/natural-order.ts'

export interface Newest {
  readonly tag: string
  /** Another tag, where letters and not numbers put `tag` before it: git commits have no order. */
  readonly rival: string | undefined
}

/** Undefined of none. */
export function newestOf(tags: readonly string[]): Newest | undefined {
  const [tag, ...others] = [...new Set(tags)].sort((one, other) => compareNaturally(other, one))
  return tag === undefined ? undefined : { tag, rival: others.find((other) => !isNewer(tag, other)) }
}

/** Git commits: the digits in them are no numbers. */
function haveNoOrder(one: string, other: string): boolean {
  const commit = /^[0-9a-f]{5,40}$/
  return commit.test(one) && commit.test(other) && /[a-f]/.test(one + other)
}

/** By the first number in which they differ; `1.2.1` is also newer than `1.2`, and `1.2-rc1` is not. */
function isNewer(one: string, other: string): boolean {
  if (haveNoOrder(one, other)) return false
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

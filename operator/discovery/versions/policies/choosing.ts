/** A policy of some spec, as the poller follows it. */
import { setImmediate } from 'node:timers/promises'
import type { VersionPolicySpec } from '../../../api/policy.ts'
import type { Choice, Listing, TagPolicy } from '../../tag-policy.ts'
import { compareNaturally } from '../natural-order.ts'
import { parseFilter } from './filter.ts'
import { parsePolicy } from './policies.ts'
import type { Candidate } from './policy.ts'

/** How long other work may be kept waiting. */
const sliceMs = 10
const mostOfASlice = 1000

/**
 * Keeps the text alone: compiled patterns are large, and live in a bounded memory of their own.
 * @throws NeedsChangeError `VersionPolicyInvalid`
 */
export function tagPolicy(spec: VersionPolicySpec): TagPolicy {
  const { kind, identity } = parsePolicy(spec)
  parseFilter(spec.filter)
  return {
    identity: JSON.stringify([identity, spec.filter?.pattern, spec.filter?.extract]),
    needs: kind.needs,
    choose: (listing) => choose(spec, listing),
  }
}

async function choose(spec: VersionPolicySpec, listing: Listing): Promise<Choice> {
  const { kind, policy } = parsePolicy(spec)
  const filter = parseFilter(spec.filter)
  let best: Candidate | undefined
  let slice: Candidate[] = []
  let since = performance.now()
  const settle = (): void => {
    best = policy.choose(best === undefined ? slice : [best, ...slice])
    slice = []
  }
  /** Of the tags that got furthest, the last in natural order: the likeliest to show what is wrong. */
  const example: { any?: string; filtered?: string } = {}
  for (const [tag, pushed] of listing) {
    const value = filter(tag)
    example.any = later(example.any, tag)
    if (value !== undefined) {
      example.filtered = later(example.filtered, tag)
      slice.push({ tag, value, pushed })
    }
    if (slice.length < mostOfASlice && performance.now() - since < sliceMs) continue
    settle()
    await setImmediate()
    since = performance.now()
  }
  settle()
  if (best !== undefined) return { tag: best.tag }
  return { tag: undefined, reason: reasonFor(spec, kind.needs, policy.wanted, example) }
}

const later = (one: string | undefined, other: string): string =>
  one === undefined || compareNaturally(one, other) < 0 ? other : one

function reasonFor(
  spec: VersionPolicySpec,
  needs: TagPolicy['needs'],
  wanted: string,
  example: { any?: string; filtered?: string },
): string {
  if (example.any === undefined) {
    return needs === 'push times'
      ? 'the registry tells of none of its tags when it was pushed'
      : 'it has no tags at all'
  }
  const pattern = `spec.policy.filter.pattern ${spec.filter?.pattern}`
  if (example.filtered === undefined) return `no tag matches ${pattern} as a whole; it has, for example, ${example.any}`
  const among = spec.filter ? `of the tags that match ${pattern} none` : 'no tag'
  return `${among} is ${wanted}; it has, for example, ${example.filtered}`
}

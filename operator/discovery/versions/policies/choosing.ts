/** The policy of one spec, in the form that the poller needs. */
import type { VersionPolicySpec } from '../../../api/policy.ts'
import { Slices } from '../../../time/slices.ts'
import type { Choice, Listing, TagPolicy } from '../../tag-policy.ts'
import { compareNaturally } from '../natural-order.ts'
import { patternTakesTooLong, simplerPattern } from '../pattern.ts'
import { maxValueLength, parseFilter } from './filter.ts'
import { parsePolicy } from './policies.ts'
import { type Candidate, invalidPolicy } from './policy.ts'

const maxSliceLength = 1000

/**
 * Keeps only the text of the spec: compiled patterns are large, and have a bounded cache.
 * @throws NeedsChangeError `VersionPolicyInvalid`
 */
export function tagPolicy(spec: VersionPolicySpec): TagPolicy {
  const { kind, policy } = parsePolicy(spec)
  parseFilter(spec.filter)
  return {
    identity: JSON.stringify([policy.wanted, spec.filter?.pattern, spec.filter?.extract]),
    needs: kind.needs,
    eligible: () => {
      const filter = parseFilter(spec.filter)
      return (tag) => filter(tag) !== undefined
    },
    choose: (listing) => choose(spec, listing),
  }
}

async function choose(spec: VersionPolicySpec, listing: Listing): Promise<Choice> {
  const { kind, policy } = parsePolicy(spec)
  const filter = parseFilter(spec.filter)
  let best: Candidate | undefined
  let slice: Candidate[] = []
  const slices = new Slices(() => tooLong(spec))
  const endSlice = (): void => {
    best = policy.choose(best === undefined ? slice : [best, ...slice])
    slice = []
  }
  /** The last tag in natural order, of all tags and of those that pass the filter: it likely shows what is wrong. */
  const example: { any?: string; filtered?: string } = {}
  for (const [tag, pushed] of listing) {
    const value = filter(tag)
    example.any = later(example.any, tag)
    if (value !== undefined) {
      example.filtered = later(example.filtered, tag)
      slice.push({ tag, value, pushed })
    }
    if (!slices.counts() && slice.length < maxSliceLength) continue
    endSlice()
    await slices.next()
  }
  endSlice()
  if (best !== undefined) return { tag: best.tag }
  return { tag: undefined, reason: reasonFor(spec, kind.needs, policy.wanted, example) }
}

const tooLong = ({ filter }: VersionPolicySpec): Error =>
  invalidPolicy('filter.pattern', filter?.pattern ?? '', patternTakesTooLong, simplerPattern)

const later = (one: string | undefined, other: string): string =>
  one === undefined || compareNaturally(one, other) < 0 ? other : one

function reasonFor(
  spec: VersionPolicySpec,
  needs: TagPolicy['needs'],
  wanted: string,
  example: { any?: string; filtered?: string },
): string {
  if (example.any === undefined) {
    return needs === 'push times' ? 'the registry does not know the push time of any of its tags' : 'it has no tags'
  }
  if (example.filtered === undefined && spec.filter === undefined) {
    return `it has only tags of signatures and the like, for example ${example.any}`
  }
  const pattern = `spec.policy.filter.pattern ${spec.filter?.pattern}`
  const short = spec.filter?.extract ? ` and gives at most ${maxValueLength} characters by filter.extract` : ''
  if (example.filtered === undefined)
    return `no tag matches ${pattern} as a whole${short}; it has, for example, ${example.any}`
  const among = spec.filter ? `no tag that matches ${pattern}` : 'no tag'
  return `${among} is ${wanted}; it has, for example, ${example.filtered}`
}

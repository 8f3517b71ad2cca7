/** What the controller would choose by a policy, and what becomes of every tag on the way. */
import type { VersionPolicySpec } from '../../api/policy.ts'
import type { Version } from '../../discovery/following.ts'
import { listTags } from '../../discovery/polling/tag-list.ts'
import { compareNaturally } from '../../discovery/versions/natural-order.ts'
import { tagPolicy } from '../../discovery/versions/policies/choosing.ts'
import { parseFilter } from '../../discovery/versions/policies/filter.ts'
import { parsePolicy, policyInWords } from '../../discovery/versions/policies/policies.ts'
import type { Candidate, VersionPolicy } from '../../discovery/versions/policies/policy.ts'
import type { Digest } from '../../images/digest.ts'
import type { Described } from '../../registries/registry.ts'
import type { Shelf } from './image.ts'

export interface ExplainedPolicy {
  readonly policy: VersionPolicySpec
  /** The policy in two words: `semver ^1`. */
  readonly words: string
  /** Those among which the policy chooses; the best first. */
  readonly fitting: readonly Weighed[]
  /** Those that pass the filter, and are not what the policy looks for. */
  readonly unfit: readonly Weighed[]
  /** By the filter. */
  readonly refused: readonly string[]
  /** These three are undefined where no tag fits. */
  readonly digest: Digest | undefined
  readonly version: Version | undefined
  /** Also where the registry cannot tell. */
  readonly described: Described | undefined
  /** Sentences for people, in the order of the decision. */
  readonly why: readonly string[]
}

export interface Weighed {
  readonly tag: string
  /** The tag, or what the filter takes from it. */
  readonly compared: string
  /** Where the policy needs that, and the registry tells. */
  readonly pushed?: string | undefined
}

/** @throws NeedsChangeError `VersionPolicyInvalid`, `PolicyNotSupported`, and whatever the registry throws */
export async function explainPolicy(shelf: Shelf, spec: VersionPolicySpec): Promise<ExplainedPolicy> {
  const { registry, repository, access } = shelf
  const { needs, choose } = tagPolicy(spec)
  const { kind, policy } = parsePolicy(spec)
  const { listing } = await listTags(registry, repository, needs, access)
  const { fitting, unfit, refused } = weigh(listing, spec, policy)
  const words = policyInWords(spec)
  const seen = { policy: spec, words, fitting: fitting.map(shown), unfit: unfit.map(shown), refused }

  // As the controller asks: by the same code, and not by what was found out above.
  const choice = await choose(listing)
  const counted = `the repository has ${listing.size} ${needs === 'tags' ? 'tags' : 'tags whose time of push is known'}`
  const passed = listing.size - refused.length
  const filtered = spec.filter === undefined ? '' : `; ${passed} of them ${passed === 1 ? 'passes' : 'pass'} the filter`
  if (choice.tag === undefined) {
    return { ...seen, digest: undefined, version: undefined, described: undefined, why: [counted, choice.reason] }
  }
  const digest = await registry.resolve(repository, choice.tag, access)
  return {
    ...seen,
    digest,
    version: { digest, name: choice.tag, source: 'policy' },
    described: await registry.describe?.(repository, digest, access),
    why: [
      `${counted}${filtered}`,
      `of these, ${fitting.length} ${fitting.length === 1 ? 'is' : 'are'} ${policy.wanted}`,
      `${choice.tag} is ${kind.best} of them`,
    ],
  }
}

function weigh(listing: ReadonlyMap<string, number | undefined>, spec: VersionPolicySpec, policy: VersionPolicy) {
  const filter = parseFilter(spec.filter)
  const fitting: Candidate[] = []
  const unfit: Candidate[] = []
  const refused: string[] = []
  for (const [tag, pushed] of listing) {
    const value = filter(tag)
    if (value === undefined) refused.push(tag)
    else (policy.choose([{ tag, value, pushed }]) ? fitting : unfit).push({ tag, value, pushed })
  }
  return {
    // Of two, the policy chooses the better one.
    fitting: fitting.sort((one, other) => (policy.choose([one, other])?.tag === one.tag ? -1 : 1)),
    unfit: unfit.sort((one, other) => compareNaturally(other.tag, one.tag)),
    refused: refused.sort((one, other) => compareNaturally(other, one)),
  }
}

const shown = ({ tag, value, pushed }: Candidate): Weighed => ({
  tag,
  compared: value,
  ...(pushed === undefined ? {} : { pushed: new Date(pushed).toISOString() }),
})

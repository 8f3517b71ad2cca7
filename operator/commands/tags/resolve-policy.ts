/** `cvmanager cr resolve --policy`: the tag that the controller would choose, and why it would not choose another. */
import type { VersionPolicySpec } from '../../api/policy.ts'
import { listTags } from '../../discovery/polling/tag-list.ts'
import { describeImage, policyRemedy } from '../../discovery/versions/image-check.ts'
import { compareNaturally } from '../../discovery/versions/natural-order.ts'
import { tagPolicy } from '../../discovery/versions/policies/choosing.ts'
import { parseFilter } from '../../discovery/versions/policies/filter.ts'
import { parsePolicy } from '../../discovery/versions/policies/policies.ts'
import type { Candidate, VersionPolicy } from '../../discovery/versions/policies/policy.ts'
import { canonical, composeImage } from '../../images/reference.ts'
import type { PolicyRequest, ResolvedPolicy, WeighedTag } from './commands.ts'
import { counted } from './listed.ts'
import type { OpenRepository } from './repository.ts'
import { resolveIn } from './resolve.ts'

/** @throws NeedsChangeError `VersionPolicyInvalid`, `PolicyNotSupported`, and whatever the registry throws */
export function resolvePolicy(request: PolicyRequest, open: OpenRepository): Promise<ResolvedPolicy> {
  const { image, policy: spec } = request
  return resolveIn(request, open, async ({ registry, repository, access }) => {
    const { needs, eligible, choose } = tagPolicy(spec)
    const { kind, policy } = parsePolicy(spec)
    const { listing, unread } = await listTags(registry, repository, needs, access, eligible)
    const { fitting, unfit, refused } = weigh(listing, spec, policy)

    // The controller's own choice, not one made from the lists above.
    const choice = await choose(listing)
    const { tag } = choice
    const digest = tag === undefined ? undefined : await registry.resolve(repository, tag, access)
    const version = tag && digest ? ({ digest, name: tag, source: 'policy' } as const) : undefined
    const read = unread === undefined ? '' : 'more tags than are read; those pushed last are '
    const all = `the repository has ${read}${counted(listing.size, 'tag')}${needs === 'tags' ? '' : ' whose time of push is known'}`
    const passed = listing.size - refused.length
    const filtered =
      spec.filter === undefined ? '' : `; ${passed} of them ${passed === 1 ? 'passes' : 'pass'} the filter`
    return {
      policy: spec,
      fitting: fitting.map(weighed),
      unfit: unfit.map(weighed),
      refused,
      digest,
      version,
      described: digest && (await describeImage({ registry, repository, access }, digest, `tag ${tag}`, policyRemedy)),
      why:
        choice.tag === undefined
          ? [all, choice.reason]
          : [
              `${all}${filtered}`,
              `of these, ${fitting.length} ${fitting.length === 1 ? 'is' : 'are'} ${policy.wanted}`,
              `${choice.tag} is ${kind.best} of them`,
            ],
      image: canonical({ ...image, tag }),
      workloadImage: version && composeImage(image.name, version),
    }
  })
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
    // The policy chooses the better one of two.
    fitting: fitting.sort((one, other) => (policy.choose([one, other])?.tag === one.tag ? -1 : 1)),
    unfit: unfit.sort((one, other) => compareNaturally(other.tag, one.tag)),
    refused: refused.sort((one, other) => compareNaturally(other, one)),
  }
}

const weighed = ({ tag, value, pushed }: Candidate): WeighedTag => ({
  tag,
  compared: value,
  ...(pushed === undefined ? {} : { pushed: new Date(pushed).toISOString() }),
})

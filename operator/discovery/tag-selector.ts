import { defaultVersionSyntax } from '../api/names.ts'
import type { ContainerVersionSpec } from '../api/spec.ts'
import { NeedsChangeError } from '../errors.ts'
import type { TagSelector } from './target.ts'
import { tagPolicy } from './versions/policies/choosing.ts'

/** @throws NeedsChangeError `VersionPolicyInvalid` for what the schema cannot check, such as an invalid range */
export function tagSelectorOf({
  tag,
  policy,
  versionSyntax = defaultVersionSyntax,
}: ContainerVersionSpec): TagSelector {
  if (policy !== undefined) return { policy: tagPolicy(policy) }
  if (tag !== undefined) return { tag, versionSyntax }
  throw new NeedsChangeError(
    'NothingToFollow',
    'neither spec.tag nor spec.policy is set. Set one of them, and apply the CustomResourceDefinition of this version, which refuses objects without them',
  )
}

import { defaultVersionSyntax } from '../api/names.ts'
import type { ContainerVersionSpec } from '../api/spec.ts'
import { NeedsChangeError } from '../errors.ts'
import type { Followable } from './following.ts'
import { tagPolicy } from './versions/policies/choosing.ts'

/** @throws NeedsChangeError `VersionPolicyInvalid`: what the schema cannot tell, such as a range that is none */
export function followable({ tag, policy, versionSyntax = defaultVersionSyntax }: ContainerVersionSpec): Followable {
  if (policy !== undefined) return { policy: tagPolicy(policy) }
  if (tag !== undefined) return { tag, versionSyntax }
  throw new NeedsChangeError(
    'NothingToFollow',
    'neither spec.tag nor spec.policy is there; write one of them, and apply the CustomResourceDefinition of this version, which refuses this',
  )
}

import { NeedsChangeError } from '../../../errors.ts'

/** @param field below `spec.policy`, e.g. `semver.range` */
export function invalidPolicy(field: string, text: string, fault: string, remedy: string): NeedsChangeError {
  return new NeedsChangeError(
    'VersionPolicyInvalid',
    `spec.policy.${field} "${text}" cannot be used: ${fault}. ${remedy}`,
  )
}

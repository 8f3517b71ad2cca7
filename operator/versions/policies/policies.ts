import type { VersionPolicySpec } from '../../api/policy.ts'
import { NeedsChangeError } from '../../errors.ts'
import { calendar } from './calendar.ts'
import { newest } from './newest.ts'
import { numeric } from './numeric.ts'
import type { PolicyKind, VersionPolicy } from './policy.ts'
import { semanticVersion } from './semver.ts'

/** Every policy: to add one takes a file, a line here, and its field in the schema. */
export const policyKinds: readonly PolicyKind[] = [semanticVersion, calendar, numeric, newest]

/** @throws NeedsChangeError `VersionPolicyInvalid` */
export function parsePolicy(spec: VersionPolicySpec): { readonly kind: PolicyKind; readonly policy: VersionPolicy } {
  for (const kind of policyKinds) {
    const policy = kind.make(spec)
    if (policy !== undefined) return { kind, policy }
  }
  throw new NeedsChangeError(
    'VersionPolicyInvalid',
    `spec.policy has none of ${policyKinds.map(({ kind }) => kind).join(', ')}; write one of them`,
  )
}

/** In two words, for columns and messages: `semver ~1.4`. */
export function policyInWords({ semver, calendar: date, numeric: number }: VersionPolicySpec): string {
  if (semver) return `semver ${semver.range}`
  if (date) return `calendar ${date.format}`
  return number ? 'numeric' : 'newest'
}

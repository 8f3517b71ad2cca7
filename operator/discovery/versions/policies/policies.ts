import type { PolicyName, VersionPolicySpec } from '../../../api/policy.ts'
import type { ContainerVersionSpec } from '../../../api/spec.ts'
import { NeedsChangeError } from '../../../errors.ts'
import { calendar } from './calendar.ts'
import { newest } from './newest.ts'
import { numeric } from './numeric.ts'
import type { PolicyField, PolicyKind, VersionPolicy } from './policy.ts'
import { semanticVersion } from './semver.ts'

/** Every policy. To add one, add its field to api/policy.ts, its file, and a line here. */
export const policyKinds: { readonly [K in PolicyName]: PolicyKind<K> } = {
  semver: semanticVersion,
  calendar,
  numeric,
  newest,
}

export const policyNames = Object.keys(policyKinds) as readonly PolicyName[]

export interface ParsedPolicy {
  readonly name: PolicyName
  readonly kind: PolicyKind
  readonly policy: VersionPolicy
}

/** @throws NeedsChangeError `VersionPolicyInvalid` */
export function parsePolicy(spec: VersionPolicySpec): ParsedPolicy {
  const found = given(spec)
  if (found !== undefined) {
    const { name, kind, field } = found
    return { name, kind, policy: kind.make(field) }
  }
  throw new NeedsChangeError(
    'VersionPolicyInvalid',
    `spec.policy has none of ${policyNames.join(', ')}; write one of them`,
  )
}

/** What a ContainerVersion follows, for columns and messages: `env-prod`, or `semver ~1.4`. */
export const followedInWords = ({ tag, policy }: Pick<ContainerVersionSpec, 'tag' | 'policy'>): string =>
  tag ?? (policy === undefined ? '' : policyInWords(policy))

/** A policy in two words: `semver ~1.4`. */
export function policyInWords(spec: VersionPolicySpec): string {
  const found = given(spec)
  return found === undefined ? 'policy' : found.kind.words(found.field)
}

interface Given {
  readonly name: PolicyName
  readonly kind: PolicyKind
  readonly field: PolicyField
}

/** Admission ensures that exactly one field is set. */
function given(spec: VersionPolicySpec): Given | undefined {
  for (const name of policyNames) {
    const field = spec[name]
    if (field !== undefined) return { name, kind: policyKinds[name], field }
  }
  return undefined
}

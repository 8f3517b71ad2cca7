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
  readonly kind: PolicyKind
  readonly policy: VersionPolicy
}

/** @throws NeedsChangeError `VersionPolicyInvalid` */
export function parsePolicy(spec: VersionPolicySpec): ParsedPolicy {
  const name = nameOf(spec)
  if (name === undefined) {
    const message = `spec.policy has none of ${policyNames.join(', ')}; write one of them`
    throw new NeedsChangeError('VersionPolicyInvalid', message)
  }
  const kind: PolicyKind = policyKinds[name]
  return { kind, policy: kind.make(spec[name] as PolicyField) }
}

/** What a ContainerVersion follows, for columns and messages: `env-prod`, or `semver ~1.4`. */
export const followedInWords = ({ tag, policy }: Pick<ContainerVersionSpec, 'tag' | 'policy'>): string =>
  tag ?? (policy === undefined ? '' : policyInWords(policy))

/** A policy in two words: `semver ~1.4`. */
export function policyInWords(spec: VersionPolicySpec): string {
  const name = nameOf(spec)
  if (name === undefined) return 'policy'
  const kind: PolicyKind = policyKinds[name]
  return kind.words(spec[name] as PolicyField)
}

/** Admission ensures that exactly one policy is set. */
const nameOf = (spec: VersionPolicySpec): PolicyName | undefined => policyNames.find((name) => spec[name] !== undefined)

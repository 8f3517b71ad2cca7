import type { Infer } from '../../../api/schema.ts'
import { NeedsChangeError } from '../../../errors.ts'
import { calendar } from './calendar.ts'
import { newest } from './newest.ts'
import { numeric } from './numeric.ts'
import type { PolicyKind, VersionPolicy } from './policy.ts'
import { semanticVersion } from './semver.ts'

const kinds = [semanticVersion, calendar, numeric, newest] as const

/** Every policy: to add one takes a file and a line in the array above. The schema of spec.policy is made of it. */
export const policyKinds: readonly PolicyKind[] = kinds

/** The fields of `spec.policy` that say how to choose; admission sees to it that one of them is there, and only one. */
export type PolicyFields = {
  readonly [K in (typeof kinds)[number] as K['kind']]?: Infer<K['field']>
}

export interface ParsedPolicy {
  readonly kind: PolicyKind
  readonly policy: VersionPolicy
  /** Equal for those that choose alike. */
  readonly identity: readonly unknown[]
}

/** @throws NeedsChangeError `VersionPolicyInvalid` */
export function parsePolicy(spec: PolicyFields): ParsedPolicy {
  const found = given(spec)
  if (found !== undefined) {
    const { kind, field } = found
    return { kind, policy: kind.make(field), identity: [kind.kind, ...kind.identity(field)] }
  }
  throw new NeedsChangeError(
    'VersionPolicyInvalid',
    `spec.policy has none of ${policyKinds.map(({ kind }) => kind).join(', ')}; write one of them`,
  )
}

/** In two words, for columns and messages: `semver ~1.4`. */
export function policyInWords(spec: PolicyFields): string {
  const found = given(spec)
  return found === undefined ? 'policy' : found.kind.words(found.field)
}

function given(spec: PolicyFields): { readonly kind: PolicyKind; readonly field: unknown } | undefined {
  const fields: Readonly<Record<string, unknown>> = spec
  const kind = policyKinds.find((each) => fields[each.kind] !== undefined)
  return kind && { kind, field: fields[kind.kind] }
}

import type { ContainerVersionSpec } from '../../api/spec.ts'
import { policyInWords } from './policies/policies.ts'

/** What a ContainerVersion follows, for columns and messages: `env-prod`, or `semver ~1.4`. */
export const followedInWords = ({ tag, policy }: Pick<ContainerVersionSpec, 'tag' | 'policy'>): string =>
  tag ?? (policy === undefined ? '' : policyInWords(policy))

import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { policyInWords } from '../../discovery/versions/policies/policies.ts'
import { shortDigest } from '../../images/digest.ts'

/** What the columns of kubectl show, and cannot make of other fields: a column is a path to a value. */
export function columnsOf(
  { policy }: ContainerVersionSpec,
  { current }: ContainerVersionStatus,
): { readonly follows: string | undefined; readonly shortDigest: string | undefined } {
  return {
    follows: policy && policyInWords(policy),
    shortDigest: current?.digest && shortDigest(current.digest),
  }
}

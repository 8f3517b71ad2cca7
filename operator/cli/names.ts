/** The values of flags that name an object in the cluster. */
import { UsageError } from '../errors.ts'

/** @throws UsageError naming the flag */
export function namespaceFrom(flag: string, value: unknown): string {
  return matching(flag, value, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and -, at most 63')
}

/** @throws UsageError naming the flag */
export function objectNameFrom(flag: string, value: unknown): string {
  const pattern = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
  return matching(flag, value, pattern, 'lower-case letters, digits, - and ., at most 253')
}

function matching(flag: string, value: unknown, pattern: RegExp, allowed: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new UsageError(`${flag}: ${JSON.stringify(value)} is no name that Kubernetes allows (${allowed})`)
}

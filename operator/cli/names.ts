/** The values of flags that name an object in the cluster. */
import { UsageError } from '../errors.ts'
import { isNamespaceName, isObjectName, namespaceNames, objectNames } from '../kubernetes/object-name.ts'

/** @throws UsageError naming the flag */
export const namespaceFrom = (flag: string, value: unknown): string =>
  allowed(flag, value, isNamespaceName, namespaceNames)

/** @throws UsageError naming the flag */
export const objectNameFrom = (flag: string, value: unknown): string => allowed(flag, value, isObjectName, objectNames)

function allowed(flag: string, value: unknown, isName: (text: string) => boolean, names: string): string {
  if (typeof value === 'string' && isName(value)) return value
  throw new UsageError(`${flag}: ${JSON.stringify(value)} is no name that Kubernetes allows (${names})`)
}

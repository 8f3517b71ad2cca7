/**
 * A service account of a tenant's, in whose name a registry is asked. Its token, which lasts minutes, is exchanged with the
 * cloud for credentials; it is not part of what tells accounts apart, and nothing of it is in a property.
 */
import { NeedsChangeError } from '../../errors.ts'

export interface ServiceAccount {
  readonly kind: 'service-account'
  readonly namespace: string
  readonly name: string
  /**
   * As they are at this moment.
   * @throws NeedsChangeError `ServiceAccountNotFound`, `ServiceAccountTokenNotReadable`; TransientError `ApiServerUnavailable`
   */
  annotations(): Promise<Readonly<Record<string, string>>>
  /**
   * A new token that is good for that audience alone.
   * @throws as `annotations`
   */
  token(audience: string): Promise<string>
}

export const nameOfAccount = ({ namespace, name }: Pick<ServiceAccount, 'namespace' | 'name'>): string =>
  `${namespace}/${name}`

/**
 * What an annotation of the account says. It is written by a tenant, and goes into a request.
 * @param shape the whole of what it may be
 * @param example for the message
 * @throws NeedsChangeError `ServiceAccountNotAnnotated`
 */
export function annotated(
  account: ServiceAccount,
  value: string | undefined,
  { annotation, shape, example }: { readonly annotation: string; readonly shape: RegExp; readonly example: string },
): string {
  if (value !== undefined && shape.test(value)) return value
  const fault = value === undefined ? `has no annotation ${annotation}` : `has an annotation ${annotation} of no use`
  throw new NeedsChangeError(
    'ServiceAccountNotAnnotated',
    `the service account ${nameOfAccount(account)}, which spec.serviceAccountName names, ${fault}. Write there who it is in the cloud, e.g. ${annotation}: ${example}.`,
  )
}

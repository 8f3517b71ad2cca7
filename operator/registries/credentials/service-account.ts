/**
 * A tenant's service account. A cloud exchanges its token, which is valid for minutes, for credentials. No property holds the
 * token.
 */
import { NeedsChangeError } from '../../errors.ts'

export interface ServiceAccount {
  readonly namespace: string
  readonly name: string
  /**
   * Read anew at each call.
   * @throws NeedsChangeError `ServiceAccountNotFound`, `ServiceAccountTokenNotReadable`; TransientError `ApiServerUnavailable`
   */
  annotations(): Promise<Readonly<Record<string, string>>>
  /**
   * A new token, valid for that audience only.
   * @throws as `annotations`
   */
  token(audience: string): Promise<string>
}

export const nameOfAccount = ({ namespace, name }: Pick<ServiceAccount, 'namespace' | 'name'>): string =>
  `${namespace}/${name}`

/** The first sentence of a remedy, for those whom the registry refuses. */
export const askedAs = (account: ServiceAccount): string =>
  `cvmanager asked in the name of the service account ${nameOfAccount(account)} (spec.serviceAccountName).`

/**
 * The value of an annotation. A tenant writes it, and it becomes part of a request.
 * @param shape matches the whole of a valid value
 * @param example for the message
 * @throws NeedsChangeError `ServiceAccountNotAnnotated`
 */
export function annotated(
  account: ServiceAccount,
  value: string | undefined,
  { annotation, shape, example }: { readonly annotation: string; readonly shape: RegExp; readonly example: string },
): string {
  if (value !== undefined && shape.test(value)) return value
  const fault = value === undefined ? `has no annotation ${annotation}` : `has an invalid annotation ${annotation}`
  throw new NeedsChangeError(
    'ServiceAccountNotAnnotated',
    `the service account ${nameOfAccount(account)}, which spec.serviceAccountName names, ${fault}. Write its identity in the cloud there, e.g. ${annotation}: ${example}.`,
  )
}

/**
 * A tenant's service account. A cloud exchanges its token, which is valid for minutes, for credentials. No property holds the
 * token.
 */
import { NeedsChangeError, TransientError } from '../../errors.ts'
import { ApiError, isForbidden, isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'

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

export const serviceAccounts = { group: '', version: 'v1', plural: 'serviceaccounts' } as const

/** The minimum of the API server: a token is exchanged at once. */
const tokenSeconds = 600

interface RawServiceAccount {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }
}

interface RawTokenRequest {
  readonly status?: { readonly token?: string }
}

/** @param namespace of the object that names the account: accounts of other namespaces are out of reach */
export function serviceAccountOf(client: ApiClient, namespace: string, name: string): ServiceAccount {
  const path = resourcePath(serviceAccounts, { namespace, name })
  return {
    namespace,
    name,
    annotations: async () => {
      const read = client.get<RawServiceAccount>(path)
      const { metadata } = await read.catch((thrown: unknown) => {
        throw failure(thrown, namespace, name)
      })
      return metadata?.annotations ?? {}
    },
    token: async (audience) => {
      const spec = { audiences: [audience], expirationSeconds: tokenSeconds }
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
      const request = client.create<RawTokenRequest>(
        resourcePath(serviceAccounts, { namespace, name, subresource: 'token' }),
        body,
      )
      const { status } = await request.catch((thrown: unknown) => {
        throw failure(thrown, namespace, name)
      })
      if (status?.token) return status.token
      throw new TransientError(
        'ApiServerUnavailable',
        `the API server gave no token for the service account ${namespace}/${name}. cvmanager tries again.`,
      )
    },
  }
}

function failure(thrown: unknown, namespace: string, name: string): unknown {
  if (isNotFound(thrown)) {
    return new NeedsChangeError(
      'ServiceAccountNotFound',
      `there is no ServiceAccount ${namespace}/${name}, which spec.serviceAccountName names. Create it, or name another.`,
    )
  }
  if (isForbidden(thrown)) {
    const account = `the service account ${namespace}/${name}, which spec.serviceAccountName names`
    return new NeedsChangeError(
      'ServiceAccountTokenNotReadable',
      `cvmanager may not act as ${account}: ${thrown.message}.`,
    )
  }
  if (!(thrown instanceof ApiError)) return thrown
  const { message, retryAfterMs } = thrown
  return new TransientError('ApiServerUnavailable', `${message}. cvmanager tries again.`, {
    cause: thrown,
    retryAfterMs,
  })
}

/** Reads service accounts from the API server: their annotations, and tokens that are valid for one audience. */
import { NeedsChangeError, TransientError } from '../../errors.ts'
import { ApiError, isForbidden, isNotFound } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { resourcePath } from '../../kubernetes/resource-path.ts'
import type { ServiceAccount } from './service-account.ts'

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
        throw failure(thrown, namespace, name, 'get on serviceaccounts')
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
        throw failure(thrown, namespace, name, 'create on serviceaccounts/token')
      })
      if (status?.token) return status.token
      throw new TransientError(
        'ApiServerUnavailable',
        `the API server gave no token for the service account ${namespace}/${name}. cvmanager tries again.`,
      )
    },
  }
}

function failure(thrown: unknown, namespace: string, name: string, right: string): unknown {
  if (isNotFound(thrown)) {
    return new NeedsChangeError(
      'ServiceAccountNotFound',
      `there is no ServiceAccount ${namespace}/${name}, which spec.serviceAccountName names. Create it, or name another.`,
    )
  }
  if (isForbidden(thrown)) {
    return new NeedsChangeError(
      'ServiceAccountTokenNotReadable',
      `cvmanager may not act as the service account ${namespace}/${name}, which spec.serviceAccountName names. Grant cvmanager's own service account the verb ${right} for the name ${name} in namespace ${namespace}, by a Role as in deploy/service-account-tokens.yaml.`,
    )
  }
  if (!(thrown instanceof ApiError)) return thrown
  const { message, retryAfterMs } = thrown
  return new TransientError('ApiServerUnavailable', `${message}. cvmanager tries again.`, {
    cause: thrown,
    retryAfterMs,
  })
}

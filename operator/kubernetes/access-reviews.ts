/** Who a caller is and what it may list, by the API server's own word: whoever kubectl works for has the same rights here. */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { group, plural } from '../api/names.ts'
import type { ApiClient } from './client.ts'
import { type Resource, resourcePath } from './resource-path.ts'

/** As a TokenReview names it. A SubjectAccessReview takes it unchanged. */
export interface User {
  readonly username: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** How long an answer counts, and with it a token or a right that was taken away. */
const maxAgeMs = 10_000
const maxUsers = 1_000
const maxDecisions = 10_000
const timeoutMs = 5_000

const tokenReviews = { group: 'authentication.k8s.io', version: 'v1', plural: 'tokenreviews' } as const
const accessReviews = { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews' } as const

interface TokenReviewStatus {
  readonly authenticated?: boolean
  readonly user?: User
}

/** Every method throws as an ApiClient does. */
export class AccessReviews {
  readonly #client: Pick<ApiClient, 'create'>
  /** By the hash of the token: a token is not kept. */
  readonly #users = new LRUCache<string, { readonly user: User | undefined }, string>({
    max: maxUsers,
    ttl: maxAgeMs,
    fetchMethod: async (_, __, { context: token }) => {
      const { authenticated, user } = await this.#review<TokenReviewStatus>(tokenReviews, 'TokenReview', { token })
      return { user: authenticated ? user : undefined }
    },
  })
  readonly #decisions = new LRUCache<string, boolean, Question>({
    max: maxDecisions,
    ttl: maxAgeMs,
    fetchMethod: async (_, __, { context: { user, namespace } }) => {
      const { username, uid, groups, extra } = user
      const resourceAttributes = { verb: 'list', group, resource: plural, namespace }
      const spec = { user: username, uid, groups, extra, resourceAttributes }
      const { allowed } = await this.#review<{ allowed?: boolean }>(accessReviews, 'SubjectAccessReview', spec)
      return allowed === true
    },
  })

  constructor(client: Pick<ApiClient, 'create'>) {
    this.#client = client
  }

  /** Undefined if the API server does not accept the token. */
  async userOf(token: string): Promise<User | undefined> {
    return (await this.#users.forceFetch(hash('sha256', token), { context: token })).user
  }

  /** Whether a user may list ContainerVersions. @param namespace undefined: in all namespaces */
  mayList(user: User, namespace: string | undefined): Promise<boolean> {
    const question = { user, namespace }
    return this.#decisions.forceFetch(hash('sha256', JSON.stringify(question)), { context: question })
  }

  async #review<T>(resource: Resource, kind: string, spec: object): Promise<Partial<T>> {
    const review = { apiVersion: `${resource.group}/${resource.version}`, kind, spec }
    const { status = {} } = await this.#client.create<{ status?: Partial<T> }>(resourcePath(resource), review, {
      timeoutMs,
    })
    return status
  }
}

interface Question {
  readonly user: User
  readonly namespace: string | undefined
}

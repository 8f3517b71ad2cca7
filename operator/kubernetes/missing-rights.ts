import type { Logger } from 'pino'
import { isForbidden } from './api-error.ts'
import type { ApiClient } from './client.ts'
import { resourcePath } from './resource-path.ts'
import { grantedInWords, inWords, isGeneral, type Right } from './right.ts'

const reviews = { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews' } as const

const askAgainMs = 5_000
/** Questions of others about others: whoever asks them learns that there is no answer, and cvmanager works without. */
const reviewGroups: ReadonlySet<string> = new Set([reviews.group, 'authentication.k8s.io'])

/** More of them say nothing new. */
const maxRights = 100

/**
 * The rights that cvmanager has been refused, from any request, until it has them. Each is logged once. While there are some,
 * the API server is asked about them, as `kubectl auth can-i` does: the request itself may not come again for hours.
 */
export class MissingRights {
  readonly #log: Pick<Logger, 'info' | 'warn'>
  readonly #onGranted: () => void
  readonly #missing = new Map<string, Right>()
  #timer: NodeJS.Timeout | undefined

  /** @param onGranted called for each right that is there again: what has failed without it can be retried at once */
  constructor(log: Pick<Logger, 'info' | 'warn'>, onGranted: () => void = () => undefined) {
    this.#log = log
    this.#onGranted = onGranted
  }

  /** A sentence for each. */
  get problems(): readonly string[] {
    return [...this.#missing.values()].map(inWords)
  }

  /** For an ApiClient, which asks again. Rights to single objects of tenants are in the status of the objects that need them. */
  readonly add = (right: Right, client: ApiClient): void => {
    const { verb, resource, namespace } = right
    const key = `${verb} ${resource} ${namespace}`
    if (!isGeneral(right) || reviewGroups.has(right.group)) return
    if (this.#missing.has(key) || this.#missing.size >= maxRights) return
    this.#missing.set(key, right)
    this.#log.warn(inWords(right))
    this.#timer ??= setInterval(() => void this.#ask(client), askAgainMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #ask(client: ApiClient): Promise<void> {
    for (const [key, right] of this.#missing) {
      // Without an answer, the next time will tell.
      if (!(await isAllowed(client, right).catch(() => false))) continue
      this.#missing.delete(key)
      this.#log.info(grantedInWords(right))
      this.#onGranted()
    }
    if (this.#missing.size === 0) this.stop()
  }
}

/** Who may not ask finds out when the request comes again. */
async function isAllowed(client: ApiClient, { verb, group, resource, namespace, name }: Right): Promise<boolean> {
  const [plural, subresource] = resource.split('/')
  const resourceAttributes = { verb, group, resource: plural, subresource, namespace, name }
  const review = client.create<{ status?: { allowed?: boolean } }>(resourcePath(reviews), {
    apiVersion: `${reviews.group}/${reviews.version}`,
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  })
  const { status } = await review.catch((thrown: unknown) => {
    if (isForbidden(thrown)) return { status: { allowed: true } }
    throw thrown
  })
  return status?.allowed === true
}

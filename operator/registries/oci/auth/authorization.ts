/** The Authorization header that a registry wants, learned from its first refusal and then sent at once. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../../time/clock.ts'
import type { Right, Subject } from '../../failures.ts'
import type { Access } from '../../registry.ts'
import type { Transport } from '../../transport/transport.ts'
import { parseChallenges } from './challenge.ts'
import { basic, type TokenService } from './token-request.ts'
import { Tokens } from './tokens.ts'

type Scheme = { readonly scheme: 'basic' } | { readonly scheme: 'bearer'; readonly service: TokenService }

const maxRegistries = 1_000

/** A challenge as a registry sends it. */
export interface Challenged {
  /** `WWW-Authenticate`. */
  readonly header: string
  /** It was sent for `/v2/`, and not for the request. */
  readonly isOfBase?: boolean
}

export class Authorization {
  readonly #schemes = new LRUCache<string, Scheme>({ max: maxRegistries })
  readonly #tokens: Tokens

  constructor(transport: Transport, clock?: Clock) {
    this.#tokens = new Tokens(transport, clock)
  }

  /** The header to begin with; `undefined` for none. */
  async before(access: Access, subject: Subject): Promise<string | undefined> {
    const { host } = subject.repository
    const known = this.#schemes.get(host)
    if (known === undefined) return undefined
    try {
      return await this.#header(known, scopeOf(subject), access, subject)
    } catch (error) {
      // The registry may have another token service now, or need none: the next request finds out.
      if (access.signal?.aborted !== true) this.#schemes.delete(host)
      throw error
    }
  }

  /**
   * The header to try after a challenge; `undefined` if nothing is left to try.
   * @param refused the header that was sent
   */
  async after(
    { header: challenge, isOfBase = false }: Challenged,
    refused: string | undefined,
    access: Access,
    subject: Subject,
  ): Promise<string | undefined> {
    const { host } = subject.repository
    const challenges = parseChallenges(challenge)
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))
    if (bearer !== undefined) {
      const { parameters } = bearer
      const service = { registry: host, realm: parameters.get('realm') ?? '', service: parameters.get('service') }
      if (refused?.startsWith('Bearer '))
        this.#tokens.forget({ service, credentials: access.credentials }, scopeOf(subject))
      const scheme: Scheme = { scheme: 'bearer', service }
      // The base names a scope of its own, or an example.
      const wanted = wantedScope(isOfBase ? undefined : parameters.get('scope'), subject)
      const header = await this.#header(scheme, wanted, access, subject)
      this.#schemes.set(host, scheme)
      return header
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic') || refused?.startsWith('Basic ')) return undefined
    this.#schemes.set(host, { scheme: 'basic' })
    return await this.#header({ scheme: 'basic' }, '', access, subject)
  }

  async #header(known: Scheme, scope: string, access: Access, subject: Subject): Promise<string | undefined> {
    const { credentials, signal } = access
    if (known.scheme === 'basic') return credentials.kind === 'basic' ? basic(credentials) : undefined
    const owner = { service: known.service, credentials }
    return `Bearer ${await this.#tokens.get(owner, scopeOf(subject), scope, subject, signal)}`
  }
}

/** To remove a tag, some registries want `delete`, others `push`. Services leave out what the user may not do. */
const actions: Readonly<Record<Right, string>> = { pull: 'pull', push: 'pull,push', delete: 'delete,pull,push' }

/** Polls use a token that can pull only, and not one that can push. */
const scopeOf = ({ repository, right = 'pull' }: Subject): string => `repository:${repository.path}:${actions[right]}`

/** What the registry names; but some registries name `pull` whatever is requested. */
function wantedScope(named: string | undefined, subject: Subject): string {
  if (named === undefined) return scopeOf(subject)
  const { right = 'pull', repository } = subject
  const ofRepository = `repository:${repository.path}:`
  if (right === 'pull' && named.startsWith(ofRepository) && !/[ *]/.test(named)) {
    // Azure names metadata_read alone for a list (argoproj-labs/argocd-image-updater#1502). The token is for all reads.
    return ofRepository + [...new Set([...named.slice(ofRepository.length).split(','), right])].join(',')
  }
  return right === 'pull' || /:(?:.*,)?(?:push|delete|\*)(?:,|$)/.test(named) ? named : scopeOf(subject)
}

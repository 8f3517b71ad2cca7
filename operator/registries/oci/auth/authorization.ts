/** The Authorization header that a registry wants, learned from its first refusal and then sent at once. */
import { LRUCache } from 'lru-cache'
import type { Repository } from '../../../images/reference.ts'
import type { Clock } from '../../../time/clock.ts'
import type { Right, Subject } from '../../failures.ts'
import type { Access } from '../../registry.ts'
import type { Transport } from '../../transport/transport.ts'
import { parseChallenges } from './challenge.ts'
import { basic, type TokenService } from './token-request.ts'
import { Tokens } from './tokens.ts'

type Scheme = { readonly scheme: 'basic' } | { readonly scheme: 'bearer'; readonly service: TokenService }

const maxRegistries = 1_000

export class Authorization {
  readonly #schemes = new LRUCache<string, Scheme>({ max: maxRegistries })
  readonly #tokens: Tokens

  constructor(transport: Transport, clock?: Clock) {
    this.#tokens = new Tokens(transport, clock)
  }

  /** The header to begin with; `undefined` for none. */
  async before(repository: Repository, access: Access, subject: Subject): Promise<string | undefined> {
    const known = this.#schemes.get(repository.host)
    if (known === undefined) return undefined
    try {
      return await this.#header(known, repository, scopeOf(repository, subject.right), access, subject)
    } catch (error) {
      // The registry may have another token service now, or need none: the next request finds out.
      if (access.signal?.aborted !== true) this.#schemes.delete(repository.host)
      throw error
    }
  }

  /**
   * The header to try after a 401; `undefined` if nothing is left to try.
   * @param refused the header that was sent
   */
  async after(
    challenge: string,
    refused: string | undefined,
    repository: Repository,
    access: Access,
    subject: Subject,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(challenge)
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))
    if (bearer !== undefined) {
      const { parameters } = bearer
      const realm = parameters.get('realm') ?? ''
      const service = { registry: repository.host, realm, service: parameters.get('service') }
      if (refused?.startsWith('Bearer '))
        this.#tokens.forget({ service, credentials: access.credentials }, tokenKey(repository, subject.right))
      const scheme: Scheme = { scheme: 'bearer', service }
      const scope = wantedScope(parameters.get('scope'), repository, subject.right)
      const header = await this.#header(scheme, repository, scope, access, subject)
      this.#schemes.set(repository.host, scheme)
      return header
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic') || refused !== undefined) return undefined
    this.#schemes.set(repository.host, { scheme: 'basic' })
    return await this.#header({ scheme: 'basic' }, repository, '', access, subject)
  }

  async #header(
    known: Scheme,
    repository: Repository,
    scope: string,
    access: Access,
    subject: Subject,
  ): Promise<string | undefined> {
    const { credentials, signal } = access
    if (known.scheme === 'basic') return credentials.kind === 'basic' ? basic(credentials) : undefined
    const owner = { service: known.service, credentials }
    return `Bearer ${await this.#tokens.get(owner, tokenKey(repository, subject.right), scope, subject, signal)}`
  }
}

/** To remove a tag, some registries want `delete`, others `push`. Services leave out what the user may not do. */
const actions: Readonly<Record<Right, string>> = { pull: 'pull', push: 'pull,push', delete: 'delete,pull,push' }

const scopeOf = ({ path }: Repository, right: Right = 'pull'): string => `repository:${path}:${actions[right]}`

/** Polls use a token that can pull only, and not one that can push. */
const tokenKey = ({ path }: Repository, right: Right = 'pull'): string => (right === 'pull' ? path : `${path} ${right}`)

/** What the registry names; but some registries name `pull` whatever is requested. */
function wantedScope(named: string | undefined, repository: Repository, right: Right = 'pull'): string {
  const own = scopeOf(repository, right)
  if (named === undefined) return own
  return right === 'pull' || /:(?:.*,)?(?:push|delete|\*)(?:,|$)/.test(named) ? named : own
}

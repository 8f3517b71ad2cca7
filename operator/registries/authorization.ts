/** Which Authorization header a registry wants: learnt from its first refusal, then sent at once. */
import type { Clock } from '../clock.ts'
import { parseChallenges } from './challenge.ts'
import type { Asked } from './failures.ts'
import { Lru } from './lru.ts'
import type { Access, Repository } from './registry.ts'
import { basic, type TokenService } from './token-request.ts'
import { Tokens } from './tokens.ts'
import type { Transport } from './transport.ts'

type Scheme = { readonly scheme: 'basic' } | { readonly scheme: 'bearer'; readonly service: TokenService }

const mostRegistries = 1_000

export class Authorization {
  readonly #schemes = new Lru<Scheme>(mostRegistries)
  readonly #tokens: Tokens

  constructor(transport: Transport, clock?: Clock) {
    this.#tokens = new Tokens(transport, clock)
  }

  /** What is known to be wanted; undefined to ask without. */
  async before(repository: Repository, access: Access, asked: Asked): Promise<string | undefined> {
    const known = this.#schemes.get(repository.host)
    if (known === undefined) return undefined
    try {
      return await this.#header(known, repository, pullScope(repository), access, asked)
    } catch (error) {
      // It may have moved to another token service, or need none any more: the next look asks it anew.
      if (access.signal?.aborted !== true) this.#schemes.delete(repository.host)
      throw error
    }
  }

  /**
   * What to try after a 401; undefined where nothing is left to try.
   * @param refused the header that was sent
   */
  async after(
    challenge: string,
    refused: string | undefined,
    repository: Repository,
    access: Access,
    asked: Asked,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(challenge)
    const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))
    if (bearer !== undefined) {
      const { parameters } = bearer
      const realm = parameters.get('realm') ?? ''
      const service = { registry: repository.host, realm, service: parameters.get('service') }
      if (refused?.startsWith('Bearer '))
        this.#tokens.forget({ service, credentials: access.credentials }, repository.path)
      const scheme: Scheme = { scheme: 'bearer', service }
      const scope = parameters.get('scope') ?? pullScope(repository)
      const header = await this.#header(scheme, repository, scope, access, asked)
      this.#schemes.set(repository.host, scheme)
      return header
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic') || refused !== undefined) return undefined
    this.#schemes.set(repository.host, { scheme: 'basic' })
    return await this.#header({ scheme: 'basic' }, repository, '', access, asked)
  }

  async #header(
    known: Scheme,
    repository: Repository,
    scope: string,
    access: Access,
    asked: Asked,
  ): Promise<string | undefined> {
    const { credentials, signal } = access
    if (known.scheme === 'basic') return credentials.kind === 'basic' ? basic(credentials) : undefined
    const owner = { service: known.service, credentials }
    return `Bearer ${await this.#tokens.get(owner, repository.path, scope, asked, signal)}`
  }
}

const pullScope = ({ path }: Repository): string => `repository:${path}:pull`

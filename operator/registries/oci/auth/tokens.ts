/**
 * Bearer tokens, requested once and used while they are valid. A token is for one repository, so a registry with a thousand
 * repositories would need a thousand tokens every few minutes. When one expires, those that are about to expire are renewed
 * with it, as one token with several scopes, if the service supports that.
 */
import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../../errors.ts'
import type { Clock } from '../../../time/clock.ts'
import { monotonicClock } from '../../../time/timing.ts'
import { credentialId } from '../../credentials/credential-id.ts'
import type { Subject } from '../../failures.ts'
import type { Credentials } from '../../registry.ts'
import { abortable } from '../../transport/abortable.ts'
import type { Transport } from '../../transport/transport.ts'
import type { BearerToken } from './token-answer.ts'
import { requestToken, type TokenService } from './token-request.ts'

/** Tokens of different owners are never mixed. */
export interface TokenOwner {
  readonly service: TokenService
  readonly credentials: Credentials
}

interface CachedToken {
  readonly repository: string
  readonly scope: string
  readonly token: string
  readonly useUntil: number
  /** From then on it is renewed together with others. */
  readonly renewFrom: number
  usedAt: number
}

/** The tokens of one owner, by repository. */
interface Group {
  readonly tokens: LRUCache<string, CachedToken>
  readonly pending: Map<string, Promise<string>>
  /** Repositories for which a token of several scopes was refused. */
  readonly alone: LRUCache<string, true>
}

const maxGroups = 1_000
const maxTokensPerGroup = 5_000
/** Makes some 6 KB of token; servers accept headers of 8 KB. */
const maxScopes = 24
/** A token that was not used for this long is no longer renewed. */
const maxIdleMs = 900_000

export class Tokens {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #groups = new LRUCache<string, Group>({ max: maxGroups })

  constructor(transport: Transport, clock: Clock = monotonicClock) {
    this.#transport = transport
    this.#clock = clock
  }

  /** The token for a repository, cached or by one request, however many callers there are. */
  async get(
    owner: TokenOwner,
    repository: string,
    scope: string,
    subject: Subject,
    signal?: AbortSignal,
  ): Promise<string> {
    const group = this.#groupOf(owner)
    const cached = group.tokens.get(repository)
    const now = this.#clock.now()
    if (cached !== undefined && now < cached.useUntil) {
      cached.usedAt = now
      return cached.token
    }
    const pending = group.pending.get(repository) ?? this.#start(owner, group, repository, scope, subject)
    return await abortable(pending, signal)
  }

  /** The registry refused the token: the next one has the scope of this repository only. */
  forget(owner: TokenOwner, repository: string): void {
    const group = this.#groupOf(owner)
    group.tokens.delete(repository)
    group.alone.set(repository, true)
  }

  #groupOf({ service, credentials }: TokenOwner): Group {
    const key = JSON.stringify([service.registry, service.realm, service.service, credentialId(credentials)])
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const max = maxTokensPerGroup
    const group: Group = { tokens: new LRUCache({ max }), pending: new Map(), alone: new LRUCache({ max }) }
    this.#groups.set(key, group)
    return group
  }

  #start(owner: TokenOwner, group: Group, repository: string, scope: string, subject: Subject): Promise<string> {
    const scopes = new Map([[repository, scope], ...this.#companions(group, repository)])
    const pending = this.#request(owner, group, scopes, repository, subject).finally(() => {
      for (const each of scopes.keys()) group.pending.delete(each)
    })
    for (const each of scopes.keys()) group.pending.set(each, pending)
    // Whoever waits sees the failure. If nobody waits any more, it is not an unhandled one.
    pending.catch(() => undefined)
    return pending
  }

  async #request(
    owner: TokenOwner,
    group: Group,
    scopes: ReadonlyMap<string, string>,
    repository: string,
    subject: Subject,
  ): Promise<string> {
    const request = async (wanted: ReadonlyMap<string, string>) =>
      this.#store(group, wanted, await requestToken(this.#transport, owner, [...wanted.values()], subject))
    try {
      return await request(scopes)
    } catch (error) {
      if (scopes.size === 1 || !(error instanceof NeedsChangeError)) throw error
    }
    for (const each of scopes.keys()) group.alone.set(each, true)
    return await request(new Map([[repository, scopes.get(repository) ?? '']]))
  }

  #store(group: Group, scopes: ReadonlyMap<string, string>, { token, lifetimeMs }: BearerToken): string {
    const now = this.#clock.now()
    const [useUntil, renewFrom] = [now + lifetimeMs * 0.9, now + lifetimeMs * 0.6]
    for (const [repository, scope] of scopes) {
      const usedAt = group.tokens.get(repository)?.usedAt ?? now
      group.tokens.set(repository, { repository, scope, token, useUntil, renewFrom, usedAt })
    }
    return token
  }

  #companions(group: Group, repository: string): [string, string][] {
    const now = this.#clock.now()
    const found: [string, string][] = []
    if (group.alone.has(repository)) return found
    for (const key of group.tokens.rkeys()) {
      const cached = group.tokens.peek(key)
      if (cached === undefined || found.length === maxScopes - 1) break
      const isWanted = cached.renewFrom <= now && cached.usedAt + maxIdleMs > now
      const isFree = key !== repository && !group.pending.has(key) && !group.alone.has(key)
      if (isWanted && isFree) found.push([key, cached.scope])
    }
    return found
  }
}

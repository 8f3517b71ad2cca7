/**
 * Bearer tokens, requested once and used while they are valid. A token is for one repository, so a registry with a thousand
 * repositories would need a thousand tokens every few minutes. When one expires, those that are about to expire are renewed
 * with it, as one token with several scopes, if the service supports that.
 */
import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../../errors.ts'
import { abortable } from '../../../time/abortable.ts'
import type { Clock } from '../../../time/clock.ts'
import { monotonicClock } from '../../../time/timing.ts'
import { credentialId } from '../../credentials/credential-id.ts'
import type { Subject } from '../../failures.ts'
import type { Credentials } from '../../registry.ts'
import type { Transport } from '../../transport/transport.ts'
import type { BearerToken } from './token-answer.ts'
import { requestBearerToken, type TokenService } from './token-request.ts'

/** Tokens of different owners are never mixed. */
export interface TokenOwner {
  readonly service: TokenService
  readonly credentials: Credentials
}

interface CachedToken {
  /** The scope that the registry wanted. */
  readonly named: string
  readonly token: string
  readonly useUntil: number
  /** From then on it is renewed together with others. */
  readonly renewFrom: number
  usedAt: number
}

/** The tokens of one owner, by the scope that a request needs. */
interface Group {
  readonly tokens: LRUCache<string, CachedToken>
  readonly pending: Map<string, Promise<string>>
  /** Scopes that were refused together with others. */
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

  /**
   * The token for a scope, cached or by one request, however many callers there are.
   * @param named the scope that the registry wants instead
   */
  async get(owner: TokenOwner, scope: string, named: string, subject: Subject, signal?: AbortSignal): Promise<string> {
    const group = this.#groupOf(owner)
    const cached = group.tokens.get(scope)
    const now = this.#clock.now()
    if (cached !== undefined && now < cached.useUntil) {
      cached.usedAt = now
      return cached.token
    }
    const pending = group.pending.get(scope) ?? this.#start(owner, group, scope, named, subject)
    return await abortable(pending, signal)
  }

  /** The registry refused the token: the next one has this scope only. */
  forget(owner: TokenOwner, scope: string): void {
    const group = this.#groupOf(owner)
    group.tokens.delete(scope)
    group.alone.set(scope, true)
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

  #start(owner: TokenOwner, group: Group, scope: string, named: string, subject: Subject): Promise<string> {
    const scopes = new Map([[scope, named], ...this.#companions(group, scope)])
    const request = async (wanted: ReadonlyMap<string, string>) =>
      this.#store(group, wanted, await requestBearerToken(this.#transport, owner, [...wanted.values()], subject))
    const pending = request(scopes)
      .catch((error: unknown) => {
        if (scopes.size === 1 || !(error instanceof NeedsChangeError)) throw error
        for (const each of scopes.keys()) group.alone.set(each, true)
        return request(new Map([[scope, named]]))
      })
      .finally(() => {
        for (const each of scopes.keys()) group.pending.delete(each)
      })
    for (const each of scopes.keys()) group.pending.set(each, pending)
    // Whoever waits sees the failure. If nobody waits any more, it is not an unhandled one.
    pending.catch(() => undefined)
    return pending
  }

  #store(group: Group, scopes: ReadonlyMap<string, string>, { token, lifetimeMs }: BearerToken): string {
    const now = this.#clock.now()
    const [useUntil, renewFrom] = [now + lifetimeMs * 0.9, now + lifetimeMs * 0.6]
    for (const [scope, named] of scopes) {
      const usedAt = group.tokens.get(scope)?.usedAt ?? now
      group.tokens.set(scope, { named, token, useUntil, renewFrom, usedAt })
    }
    return token
  }

  #companions(group: Group, scope: string): [string, string][] {
    const now = this.#clock.now()
    const found: [string, string][] = []
    if (group.alone.has(scope)) return found
    for (const key of group.tokens.rkeys()) {
      const cached = group.tokens.peek(key)
      if (cached === undefined || found.length === maxScopes - 1) break
      const isWanted = cached.renewFrom <= now && cached.usedAt + maxIdleMs > now
      const isFree = key !== scope && !group.pending.has(key) && !group.alone.has(key)
      if (isWanted && isFree) found.push([key, cached.named])
    }
    return found
  }
}

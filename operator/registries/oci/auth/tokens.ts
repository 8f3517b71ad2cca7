/**
 * Bearer tokens, asked for once and kept while they last. A token is for one repository, so a registry with a thousand
 * of them would need a thousand tokens every few minutes: when one has run out, those that are about to are asked for
 * with it, in one token of several scopes, as far as the service goes along with that.
 */
import { LRUCache } from 'lru-cache'
import { NeedsChangeError } from '../../../errors.ts'
import type { Clock } from '../../../time/clock.ts'
import { monotonicClock } from '../../../time/timing.ts'
import { credentialId } from '../../credentials/credential-id.ts'
import type { Asked } from '../../failures.ts'
import type { Credentials } from '../../registry.ts'
import { abortable } from '../../transport/abortable.ts'
import type { Transport } from '../../transport/transport.ts'
import { requestToken, type TokenService } from './token-request.ts'

/** Whom a token is for; they are never mixed. */
export interface TokenOwner {
  readonly service: TokenService
  readonly credentials: Credentials
}

interface Held {
  readonly repository: string
  readonly scope: string
  readonly token: string
  readonly useUntil: number
  /** From then on it is asked for together with others. */
  readonly renewFrom: number
  usedAt: number
}

interface Group {
  readonly held: LRUCache<string, Held>
  readonly flights: Map<string, Promise<string>>
  /** Repositories whose scope must not be mixed with others: a token of several was not taken for them. */
  readonly alone: LRUCache<string, true>
}

const maxGroups = 1_000
const maxTokensOfGroup = 5_000
/** Some 6 KB of token, below the 8 KB that servers accept as one header. */
const maxScopesOfToken = 24
/** A repository that nobody asked for so long is no longer renewed. */
const forgottenAfterMs = 900_000

export class Tokens {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #groups = new LRUCache<string, Group>({ max: maxGroups })

  constructor(transport: Transport, clock: Clock = monotonicClock) {
    this.#transport = transport
    this.#clock = clock
  }

  /** The token for a repository, from memory or by one request, however many ask for it at once. */
  async get(owner: TokenOwner, repository: string, scope: string, asked: Asked, signal?: AbortSignal): Promise<string> {
    const group = this.#groupOf(owner)
    const held = group.held.get(repository)
    const now = this.#clock.now()
    if (held !== undefined && now < held.useUntil) {
      held.usedAt = now
      return held.token
    }
    const flight = group.flights.get(repository) ?? this.#start(owner, group, repository, scope, asked)
    return await abortable(flight, signal)
  }

  /** The registry did not take it: the next one is asked for by itself. */
  forget(owner: TokenOwner, repository: string): void {
    const group = this.#groupOf(owner)
    group.held.delete(repository)
    group.alone.set(repository, true)
  }

  #groupOf({ service, credentials }: TokenOwner): Group {
    const key = JSON.stringify([service.registry, service.realm, service.service, credentialId(credentials)])
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const max = maxTokensOfGroup
    const group: Group = { held: new LRUCache({ max }), flights: new Map(), alone: new LRUCache({ max }) }
    this.#groups.set(key, group)
    return group
  }

  #start(owner: TokenOwner, group: Group, repository: string, scope: string, asked: Asked): Promise<string> {
    const scopes = new Map([[repository, scope], ...this.#companions(group, repository)])
    const flight = this.#fetch(owner, group, scopes, repository, asked).finally(() => {
      for (const each of scopes.keys()) group.flights.delete(each)
    })
    for (const each of scopes.keys()) group.flights.set(each, flight)
    // Whoever waits for it sees the failure; where nobody does any more it is no unhandled one.
    flight.catch(() => undefined)
    return flight
  }

  async #fetch(
    owner: TokenOwner,
    group: Group,
    scopes: ReadonlyMap<string, string>,
    repository: string,
    asked: Asked,
  ): Promise<string> {
    try {
      return this.#keep(group, scopes, await requestToken(this.#transport, owner, [...scopes.values()], asked))
    } catch (error) {
      if (scopes.size === 1 || !(error instanceof NeedsChangeError)) throw error
    }
    for (const each of scopes.keys()) group.alone.set(each, true)
    const own = new Map([[repository, scopes.get(repository) ?? '']])
    return this.#keep(group, own, await requestToken(this.#transport, owner, [...own.values()], asked))
  }

  #keep(group: Group, scopes: ReadonlyMap<string, string>, answer: { token: string; lifetimeMs: number }): string {
    const now = this.#clock.now()
    for (const [repository, scope] of scopes) {
      const usedAt = group.held.get(repository)?.usedAt ?? now
      const useUntil = now + answer.lifetimeMs * 0.9
      const renewFrom = now + answer.lifetimeMs * 0.6
      group.held.set(repository, { repository, scope, token: answer.token, useUntil, renewFrom, usedAt })
    }
    return answer.token
  }

  #companions(group: Group, repository: string): [string, string][] {
    const now = this.#clock.now()
    const found: [string, string][] = []
    if (group.alone.get(repository) === true) return found
    for (const key of group.held.rkeys()) {
      const held = group.held.peek(key)
      if (held === undefined || found.length === maxScopesOfToken - 1) break
      const wanted = held.renewFrom <= now && held.usedAt + forgottenAfterMs > now
      const free = held.repository !== repository && !group.flights.has(held.repository)
      if (wanted && free && group.alone.get(held.repository) !== true) found.push([held.repository, held.scope])
    }
    return found
  }
}

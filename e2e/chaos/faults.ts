import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, SeenRequest } from '../scenario/fault.ts'
import type { WriteProxy } from '../scenario/write-proxy.ts'
import type { FaultAsPlanned, Move, Plan, PlannedFault, PlannedMove } from './plan.ts'

/** Longer than cvmanager distrusts a list that is older than what it has seen. */
const olderListsMs = 7_000

const nothing: Fault = { fault: 'hang', ms: 0 }

/** What faults do beside. */
export interface Hands {
  notes(what: string): void
  /** Something keeps cvmanager from its work until the returned call. */
  disturbs(what: string): () => void
  kills(user: string, downMs: number): void
  /** Makes a move. Resolves when it is made. */
  moves(move: Move): Promise<void>
}

/** Decides about each request to the API server. */
export class Faults {
  /** The API server does not answer. */
  isAway = false
  /** How many have met a request. */
  count = 0
  readonly #proxy: WriteProxy
  readonly #hands: Hands
  readonly #left: PlannedFault[]
  readonly #moves: PlannedMove[]
  /** The watches that have not gone on yet since they ended. */
  #gone: ((what: string) => boolean) | undefined
  #olderListsUntil = 0
  #patches = 0

  constructor({ faults, moves }: Plan, proxy: WriteProxy, hands: Hands) {
    this.#left = [...faults]
    this.#moves = moves.filter(({ at }) => 'kind' in at)
    this.#proxy = proxy
    this.#hands = hands
    proxy.faultOf = (request) => this.#faultOf(request)
  }

  /** From now on, the API server does what it should. */
  heal(): void {
    this.#left.length = 0
    this.#moves.length = 0
    this.#gone = undefined
    this.#olderListsUntil = 0
    this.isAway = false
    this.#proxy.watchesLateMs = 0
  }

  endWatches(olderList: boolean): void {
    const refused = new Set<string>()
    this.#gone = (what) => !refused.has(what) && refused.add(what).has(what)
    if (olderList) this.#olderListsUntil = Date.now() + olderListsMs
    this.#proxy.cutWatches()
  }

  #faultOf(request: SeenRequest): Fault | undefined {
    const fault = this.#next(request)
    if (fault) this.count += 1
    return fault
  }

  #next(request: SeenRequest): Fault | undefined {
    const { kind, what, number } = request
    if (this.isAway) return nothing
    if (kind === 'watch' && this.#gone?.(what)) return { fault: 'refuse', status: 410 }
    const isWatched = /^GET (containerversions|\w+sets|deployments|\w*jobs|services)$/.test(what)
    if (kind === 'read' && isWatched && Date.now() < this.#olderListsUntil) return { fault: 'older list' }
    const isPatch = kind === 'write' && !/ (containerversions|configmaps|events)/.test(what)
    if (isPatch) this.#patches += 1
    const fits = ({ at }: PlannedFault | PlannedMove) =>
      'kind' in at &&
      (at.kind === 'patch' ? isPatch && at.number === this.#patches : at.kind === kind && at.number === number)
    const planned = take(this.#left, fits)
    if (planned) return this.#begin(planned.fault, request)
    const moved = take(this.#moves, fits)
    return moved ? { fault: 'meanwhile', act: () => this.#moveBefore(moved, request) } : undefined
  }

  #begin(planned: FaultAsPlanned, { kind, what, number, user }: SeenRequest): Fault {
    const hands = this.#hands
    hands.notes(`${kind} ${number}, ${what}: ${planned.fault}${'when' in planned ? ` ${planned.when}` : ''}`)
    if (planned.fault === 'kill') return { ...planned, now: () => hands.kills(user, planned.downMs) }
    const ms = lengthOf(planned)
    if (ms > 0) setTimeout(hands.disturbs(planned.fault), ms)
    return planned
  }

  /** The request waits until the move is made, unless that takes long. */
  async #moveBefore({ move }: PlannedMove, { what, number }: SeenRequest): Promise<void> {
    this.#hands.notes(`before write ${number}, ${what}: ${move.move}`)
    await Promise.race([this.#hands.moves(move), sleep(maxMoveMs)])
  }
}

/** Most moves are one request; a workload is made anew in some. */
const maxMoveMs = 1_500

function lengthOf(planned: FaultAsPlanned): number {
  if ('ms' in planned) return planned.ms
  return planned.fault === 'refuse' ? (planned.retryAfterSeconds ?? 0) * 1000 : 0
}

function take<T>(list: T[], fits: (item: T) => boolean): T | undefined {
  const index = list.findIndex(fits)
  return index < 0 ? undefined : list.splice(index, 1)[0]
}

/** What a simulated cluster is made of. */
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { Labels } from '../workloads/workload.ts'
import type { SimulatedChecks } from './checks.fixture.ts'

export interface Simulated {
  readonly name: string
  image: string
  /** Undefined: one made of the name. */
  readonly uid?: string
  /** Why a change of its image does not reach its pods. */
  blocked?: 'Paused' | 'OnDelete' | 'Quota' | undefined
  /** Who has set its image last, and when; undefined: whoever created it. */
  set?: { readonly by: string; readonly time: number }
  /** The API server refuses patches of it. */
  refuses?: boolean
  /** Its annotation `cvmanager.io/order`. */
  order?: number
  /** 1 if undefined. */
  replicas?: number
  podLabels?: Labels
  /** When its pods have become ready, if they can. */
  readyAt?: number
}

export interface Options {
  readonly offered: string
  readonly bad?: readonly string[]
  readonly spec?: Partial<ContainerVersionSpec>
  readonly dies?: () => boolean
  /** Called for each event: whether the API server refuses it, such as with 429. */
  readonly refuses?: () => boolean
  /** What a mutating webhook makes of an image. */
  readonly rewrite?: (image: string) => string
  /** The pods of checks. */
  readonly checks?: SimulatedChecks
}

/** What ends an act before all is written. */
export const death = new Error('killed')
export const refusal = new Error('refused')
export const rewriting = new Error('rewritten')

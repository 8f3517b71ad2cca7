import { setTimeout as sleep } from 'node:timers/promises'
import { openGround } from '../scenario/bed.ts'
import { auditPolicy } from './model/states.ts'
import { planOf } from './plan.ts'
import type { Level } from './program.ts'
import { type Result, run } from './run.ts'

export interface SeedsOptions {
  readonly seeds: readonly number[]
  readonly level: Level
  /** How many worlds there are at a time. Most of the time they wait: for pods, polls and deadlines. */
  readonly sideBySide: number
  readonly onResult: (result: Result) => void
}

/** So many worlds share a control plane, so that neither its log nor its memory becomes large. */
const maxWorlds = 250

/** Between the first worlds: all begin with new pods. */
const staggerMs = 700

/** Plays all seeds. */
export async function playSeeds({ seeds, level, sideBySide, onResult }: SeedsOptions): Promise<void> {
  for (let first = 0; first < seeds.length; first += maxWorlds) {
    const left = seeds.slice(first, first + maxWorlds)
    const ground = await openGround({ auditPolicy })
    const next = async (worker: number): Promise<void> => {
      await sleep(worker * staggerMs)
      for (let seed = left.shift(); seed !== undefined; seed = left.shift())
        onResult(await run(ground, planOf(seed), level))
    }
    try {
      await Promise.all(Array.from({ length: sideBySide }, (_, worker) => next(worker)))
    } finally {
      await ground.stop()
    }
  }
}

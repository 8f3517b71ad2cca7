/**
 * The shadow model: what must hold of a run, whatever has happened in it. It believes the API server's audit log and the
 * final objects, and compares what cvmanager says of itself with them.
 */
import { checks } from './checks.ts'
import { end } from './end.ts'
import { type Evidence, runOf } from './evidence.ts'
import { outcomes } from './outcomes.ts'
import { patches } from './patches.ts'
import { switches } from './switches.ts'

export const invariants = { ...patches, ...switches, ...checks, ...outcomes, ...end }

/** @returns what is broken, each in a sentence that begins with the name of the invariant */
export function broken(evidence: Evidence): readonly string[] {
  const run = runOf(evidence)
  return Object.entries(invariants).flatMap(([name, holds]) => holds(run).map((problem) => `${name}: ${problem}`))
}

import type { FigureSet } from './figures.ts'
import { measureChanges, planChanges, withPushedOperator } from './pushed-changes.ts'
import type { World } from './world.ts'

/** W2, pushed: one tag moves at a time, and the registry's own notification tells of it. */
export async function onePushedChange(world: World, changes: number): Promise<FigureSet> {
  const planned = planChanges(world, changes)
  const figures = await withPushedOperator(world, (watch) => measureChanges(world, watch, planned))
  return { workload: 'W2 pushed', n: world.targets.length, figures }
}

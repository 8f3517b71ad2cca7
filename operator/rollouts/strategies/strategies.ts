import { Simple } from './simple.ts'
import type { Strategy } from './strategy.ts'

/** Every strategy: to add one takes a file and a line here. */
export const strategies: readonly Strategy[] = [new Simple()]

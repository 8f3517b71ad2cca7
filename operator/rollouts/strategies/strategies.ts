import type { StrategyKind } from '../../api/names.ts'
import { ServiceBlueGreen } from './service-blue-green.ts'
import { Simple } from './simple.ts'
import type { Strategy } from './strategy.ts'

/** Every strategy. To add one, add its name to api/names.ts, its file, and a line here. */
export const strategies: Readonly<Record<StrategyKind, Strategy>> = {
  Simple: new Simple(),
  ServiceBlueGreen: new ServiceBlueGreen(),
}

import type { StrategyKind } from '../../api/names.ts'
import { Simple } from './simple.ts'
import type { Strategy } from './strategy.ts'

export type Strategies = Readonly<Record<StrategyKind, Strategy | undefined>>

/** Every strategy. To add one, add its name to api/names.ts, its file, and a line here. */
export const strategies: Strategies = {
  Simple: new Simple(),
  // The schema accepts it, so that manifests of the first cvmanager are told what is missing.
  ServiceBlueGreen: undefined,
}

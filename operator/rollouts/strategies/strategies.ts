import type { StrategyKind } from '../../api/names.ts'
import { Simple } from './simple.ts'
import type { Strategy } from './strategy.ts'

/** Every strategy. To add one, add its name to api/names.ts, its file, and a line here. */
export const strategies: Readonly<Record<StrategyKind, Strategy | undefined>> = {
  Simple: new Simple(),
  // The schema accepts it, so that manifests of the first cvmanager are told what is missing.
  ServiceBlueGreen: undefined,
}

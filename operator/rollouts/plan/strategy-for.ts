import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError } from '../../errors.ts'
import { strategies } from '../strategies/strategies.ts'
import type { Strategy } from '../strategies/strategy.ts'

/**
 * The strategy of a spec, or why this version of cvmanager cannot roll it out. The schema accepts more, so that manifests of
 * the first cvmanager remain valid; cvmanager refuses what it cannot do rather than leave it out.
 */
export function strategyFor({ strategy, container }: ContainerVersionSpec): Strategy | NeedsChangeError {
  const kind = strategy?.kind ?? 'Simple'
  const found = strategies[kind]
  if (found === undefined) {
    const known = Object.entries(strategies).flatMap(([name, known]) => (known ? [name] : []))
    return new NeedsChangeError(
      'StrategyNotSupported',
      `this version of cvmanager has no strategy ${kind}; set spec.strategy.kind to one of: ${known.join(', ')}`,
    )
  }
  const verified = [
    ...(container?.verify?.length ? ['spec.container.verify'] : []),
    ...(strategy?.verify?.length ? ['spec.strategy.verify'] : []),
  ]
  if (verified.length === 0) return found
  return new NeedsChangeError(
    'VerificationNotSupported',
    `this version of cvmanager cannot verify, and rolls nothing out that is to be verified; take ${verified.join(' and ')} out to go without`,
  )
}

import type { ContainerVersionSpec } from '../../api/spec.ts'
import { NeedsChangeError } from '../../errors.ts'
import type { Strategies } from '../strategies/strategies.ts'

/** What the schema accepts, for the sake of old manifests, but this version cannot do: refused rather than left out. */
export function unsupported(
  { strategy, container }: ContainerVersionSpec,
  strategies: Strategies,
): NeedsChangeError | undefined {
  const kind = strategy?.kind ?? 'Simple'
  if (strategies[kind] === undefined) {
    const known = Object.entries(strategies)
      .flatMap(([name, strategy]) => (strategy === undefined ? [] : [name]))
      .join(', ')
    return new NeedsChangeError(
      'StrategyNotSupported',
      `this version of cvmanager has no strategy ${kind}; set spec.strategy.kind to one of: ${known}`,
    )
  }
  const verified = [
    ...(container?.verify?.length ? ['spec.container.verify'] : []),
    ...(strategy?.verify?.length ? ['spec.strategy.verify'] : []),
  ]
  if (verified.length === 0) return undefined
  return new NeedsChangeError(
    'VerificationNotSupported',
    `this version of cvmanager cannot verify, and rolls nothing out that is to be verified; take ${verified.join(' and ')} out to go without`,
  )
}

/** The Services of a simulated cluster, and the pods behind them. */

import { leadsTo } from '../strategies/blue-green/sides.ts'
import type { SeenService } from '../strategies/strategy.ts'
import type { Labels, SelectorChange, Workload } from '../workloads/workload.ts'

interface SimulatedService {
  uid: string
  selector: Labels
  version: number
  /** When its selector was set. */
  since: number
}

export class SimulatedServices {
  readonly all = new Map<string, SimulatedService>()
  /** What cvmanager has changed, such as `web: color=green`. */
  readonly changes: string[] = []
  /** Called right before a change is made. */
  onChange: (name: string, selector: Labels) => void = () => undefined
  /** How long it takes until its endpoints follow its selector. */
  lagMs = 0
  readonly #now: () => number
  #count = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Points a Service at other pods, as a person does; a Service that is not there is made. */
  point(name: string, selector: Labels): void {
    this.#count += 1
    const { uid = `uid-of-service-${name}-${this.#count}` } = this.all.get(name) ?? {}
    this.all.set(name, { uid, selector, version: this.#count, since: this.#now() })
  }

  seen(workloads: readonly Workload[]): ReadonlyMap<string, SeenService> {
    return new Map(
      // That of the users comes first, as a strategy reads them.
      [...this.all]
        .sort(([one], [other]) => Number(other === 'web') - Number(one === 'web'))
        .map(([name, { uid, selector, version, since }]) => {
          const isLate = this.#now() < since + this.lagMs
          const behind = isLate ? [] : workloads.filter((workload) => leadsTo(selector, workload))
          const ref = { namespace: 'shop', name, uid, resourceVersion: String(version) }
          return [name, { ref, selector, ready: new Set(behind.flatMap(({ ready }) => [...ready])) }]
        }),
    )
  }

  /** @returns whether the Service is still as it was observed */
  change({ of, selector }: SelectorChange): boolean {
    const found = this.all.get(of.name)
    if (found?.uid !== of.uid || String(found.version) !== of.resourceVersion) return false
    this.onChange(of.name, selector)
    this.changes.push(`${of.name}: color=${selector.color}`)
    this.point(of.name, selector)
    return true
  }
}

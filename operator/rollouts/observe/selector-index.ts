import type { ContainerVersion } from '../../api/container-version.ts'
import type { Change, Store } from '../../kubernetes/store.ts'
import { selects } from '../workloads/select.ts'
import type { WorkloadObject } from '../workloads/workload.ts'

/**
 * Knows which ContainerVersions select which workloads. An index from labels to selectors keeps the cost of a change of a
 * workload proportional to its labels, however many ContainerVersions there are.
 */
export class SelectorIndex {
  readonly #objects: Store<ContainerVersion>
  readonly #workloads: readonly Store<WorkloadObject>[]
  readonly #onChange: (key: string) => void
  /** From one label of each selector to the keys of the ContainerVersions that select by it. */
  readonly #selectors = new Map<string, Set<string>>()
  /** From the key of a ContainerVersion to its workloads, by kind and name. */
  readonly #selected = new Map<string, Map<string, WorkloadObject>>()

  /** @param onChange receives the key of each ContainerVersion whose workloads have changed */
  constructor(
    objects: Store<ContainerVersion>,
    workloads: readonly Store<WorkloadObject>[],
    onChange: (key: string) => void,
  ) {
    this.#objects = objects
    this.#workloads = workloads
    this.#onChange = onChange
    objects.onChange((change) => this.#objectChanged(change))
    for (const store of workloads) store.onChange((change) => this.#workloadChanged(change))
  }

  /** The workloads that a ContainerVersion selects, in a stable order. */
  workloadsOf(key: string): readonly WorkloadObject[] {
    return [...(this.#selected.get(key)?.values() ?? [])].sort(byKindAndName)
  }

  /** The ContainerVersions that select a workload. */
  ownersOf(workload: WorkloadObject): readonly ContainerVersion[] {
    const keys = new Set(labelsOf(workload).flatMap((label) => [...(this.#selectors.get(label) ?? [])]))
    return [...keys]
      .flatMap((key) => this.#objects.get(key) ?? [])
      .filter(({ spec, deleting }) => !deleting && selects(spec.selector, workload))
  }

  /** A workload by its kind and name, whether or not it is selected. */
  find(namespace: string, kind: string, name: string): WorkloadObject | undefined {
    const named = this.#workloads.map((store) => store.get(`${namespace}/${name}`))
    return named.find((workload) => workload?.kind === kind)
  }

  #objectChanged(change: Change<ContainerVersion>): void {
    const before = change.type === 'added' ? undefined : change.before
    const now = change.type === 'deleted' ? undefined : change.now
    if (before && now && sameSelector(before, now)) return
    const affected = before ? this.#unselect(before) : []
    if (now) affected.push(...this.#select(now))
    // ContainerVersions that share a workload with it must learn that it came or went.
    const neighbours = new Set(affected.flatMap((workload) => this.ownersOf(workload)).map(({ key }) => key))
    neighbours.delete(now?.key ?? '')
    for (const key of neighbours) this.#onChange(key)
  }

  #select(object: ContainerVersion): readonly WorkloadObject[] {
    const { key, namespace, spec } = object
    const label = indexLabel(object)
    this.#selectors.set(label, (this.#selectors.get(label) ?? new Set()).add(key))
    const found = this.#workloads
      .flatMap((store) => [...store.values()])
      .filter((workload) => workload.namespace === namespace && selects(spec.selector, workload))
    if (found.length > 0) this.#selected.set(key, new Map(found.map((workload) => [kindAndName(workload), workload])))
    return found
  }

  #unselect(object: ContainerVersion): WorkloadObject[] {
    const label = indexLabel(object)
    const keys = this.#selectors.get(label)
    keys?.delete(object.key)
    if (keys?.size === 0) this.#selectors.delete(label)
    const selected = [...(this.#selected.get(object.key)?.values() ?? [])]
    this.#selected.delete(object.key)
    return selected
  }

  #workloadChanged(change: Change<WorkloadObject>): void {
    const concerned = new Set<string>()
    if (change.type !== 'added') {
      for (const { key } of this.ownersOf(change.before)) {
        this.#selected.get(key)?.delete(kindAndName(change.before))
        concerned.add(key)
      }
    }
    if (change.type !== 'deleted') {
      for (const { key } of this.ownersOf(change.now)) {
        const selected = this.#selected.get(key) ?? new Map<string, WorkloadObject>()
        this.#selected.set(key, selected.set(kindAndName(change.now), change.now))
        concerned.add(key)
      }
    }
    for (const key of concerned) this.#onChange(key)
  }
}

const kindAndName = ({ kind, name }: WorkloadObject): string => `${kind}/${name}`

const byKindAndName = (one: WorkloadObject, other: WorkloadObject): number =>
  kindAndName(one) < kindAndName(other) ? -1 : 1

/** The first label of a selector by name; the schema refuses an empty selector. */
function indexLabel({ namespace, spec }: ContainerVersion): string {
  const [label] = Object.entries(spec.selector).sort()
  return `${namespace} ${label?.join('=')}`
}

const labelsOf = ({ namespace, labels }: WorkloadObject): string[] =>
  Object.entries(labels).map((label) => `${namespace} ${label.join('=')}`)

function sameSelector(one: ContainerVersion, other: ContainerVersion): boolean {
  return one.deleting === other.deleting && JSON.stringify(one.spec.selector) === JSON.stringify(other.spec.selector)
}

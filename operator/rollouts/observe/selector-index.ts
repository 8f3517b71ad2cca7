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
  readonly #onChange: (key: string) => void
  /** From one label of each selector to the keys of the ContainerVersions that select by it. */
  readonly #selectors = new Map<string, Set<string>>()
  readonly #selected = new Map<string, Map<string, WorkloadObject>>()
  readonly #byNamespace = new Map<string, Map<string, WorkloadObject>>()

  /** @param onChange receives the key of each ContainerVersion whose workloads have changed */
  constructor(
    objects: Store<ContainerVersion>,
    workloads: readonly Store<WorkloadObject>[],
    onChange: (key: string) => void,
  ) {
    this.#objects = objects
    this.#onChange = onChange
    objects.onChange((change) => this.#objectChanged(change))
    for (const store of workloads) store.onChange((change) => this.#workloadChanged(change))
  }

  /** The workloads that a ContainerVersion selects, in a stable order. */
  workloadsOf(key: string): readonly WorkloadObject[] {
    return [...(this.#selected.get(key)?.values() ?? [])].sort((one, other) =>
      reference(one) < reference(other) ? -1 : 1,
    )
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
    return this.#byNamespace.get(namespace)?.get(`${kind}/${name}`)
  }

  #objectChanged(change: Change<ContainerVersion>): void {
    const before = change.type === 'added' ? undefined : change.before
    const now = change.type === 'deleted' ? undefined : change.now
    if (!before || !now || !sameSelector(before, now)) this.#reselect(before, now)
  }

  #reselect(before: ContainerVersion | undefined, now: ContainerVersion | undefined): void {
    const neighbours = new Set<string>()
    if (before) {
      this.#unindex(before)
      for (const workload of this.workloadsOf(before.key))
        for (const { key } of this.ownersOf(workload)) neighbours.add(key)
      this.#selected.delete(before.key)
    }
    if (now) {
      const label = indexLabel(now)
      this.#selectors.set(label, (this.#selectors.get(label) ?? new Set()).add(now.key))
      const found = [...(this.#byNamespace.get(now.namespace)?.values() ?? [])].filter((workload) =>
        selects(now.spec.selector, workload),
      )
      if (found.length > 0)
        this.#selected.set(now.key, new Map(found.map((workload) => [reference(workload), workload])))
      for (const workload of found) for (const { key } of this.ownersOf(workload)) neighbours.add(key)
    }
    // ContainerVersions that share a workload with it must learn that it came or went.
    neighbours.delete(now?.key ?? '')
    for (const key of neighbours) this.#onChange(key)
  }

  #unindex(object: ContainerVersion): void {
    const label = indexLabel(object)
    const keys = this.#selectors.get(label)
    keys?.delete(object.key)
    if (keys?.size === 0) this.#selectors.delete(label)
  }

  #workloadChanged(change: Change<WorkloadObject>): void {
    const concerned = new Set<string>()
    if (change.type !== 'added') {
      const { before } = change
      this.#byNamespace.get(before.namespace)?.delete(reference(before))
      for (const { key } of this.ownersOf(before)) {
        this.#selected.get(key)?.delete(reference(before))
        concerned.add(key)
      }
    }
    if (change.type !== 'deleted') {
      const { now } = change
      place(this.#byNamespace, now.namespace, now)
      for (const { key } of this.ownersOf(now)) {
        place(this.#selected, key, now)
        concerned.add(key)
      }
    }
    for (const key of concerned) this.#onChange(key)
  }
}

const reference = ({ kind, name }: WorkloadObject): string => `${kind}/${name}`

function place(index: Map<string, Map<string, WorkloadObject>>, key: string, workload: WorkloadObject): void {
  const existing = index.get(key)
  if (existing) existing.set(reference(workload), workload)
  else index.set(key, new Map([[reference(workload), workload]]))
}

/** The first label of a selector by name; the schema refuses a selector without any. */
function indexLabel({ namespace, spec }: ContainerVersion): string {
  const [label] = Object.entries(spec.selector).sort()
  return `${namespace} ${label?.join('=')}`
}

const labelsOf = ({ namespace, labels }: WorkloadObject): string[] =>
  Object.entries(labels).map((label) => `${namespace} ${label.join('=')}`)

function sameSelector(one: ContainerVersion, other: ContainerVersion): boolean {
  return one.deleting === other.deleting && JSON.stringify(one.spec.selector) === JSON.stringify(other.spec.selector)
}

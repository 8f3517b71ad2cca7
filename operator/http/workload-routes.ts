/** `/v1/cv/workloads`: which versions run, and the history of a workload, at the addresses of the first cvmanager. */
import { type Context, Hono } from 'hono'
import type { ContainerVersion } from '../api/container-version.ts'
import { isNamespaceName, isObjectName, namespaceNames, objectNames } from '../kubernetes/object-name.ts'
import { jsonOf2018, type WorkloadVersion } from '../rollouts/observe/json-of-2018.ts'
import { type Managed, versionsOf } from '../rollouts/observe/workload-versions.ts'
import { Slices } from '../time/slices.ts'
import { Problem } from './problem.ts'
import { type ReaderOf, visibleTo } from './readers.ts'
import { historyPage, pagePolicy, workloadRow, workloadsPage } from './workload-pages.ts'

export interface WorkloadSource {
  readonly readerOf: ReaderOf
  /** Whether cvmanager works in a namespace at all. */
  readonly watches: (namespace: string) => boolean
  readonly managed: () => Promise<Managed>
  /** The text of a history; empty if there is none. */
  readonly history: (namespace: string, name: string) => Promise<string>
}

const html = { 'content-type': 'text/html; charset=UTF-8', 'content-security-policy': pagePolicy }
const defaultNamespace = 'default'

export function workloadRoutes({ readerOf, watches, managed, history }: WorkloadSource): Hono {
  const app = new Hono()

  /** @throws Problem 400, 404 */
  const namespaceOf = (c: Context): string | undefined => {
    const namespace = parameter(c, 'namespace') || undefined
    if (namespace === undefined) return undefined
    if (!isNamespaceName(namespace)) throw malformed('namespace', namespaceNames)
    if (watches(namespace)) return namespace
    throw new Problem(404, `cvmanager does not watch namespace ${namespace}`, { parameter: 'namespace' })
  }

  app.get('/', async (c) => {
    const reader = await readerOf(c.req.header('authorization'))
    const namespace = namespaceOf(c)
    const format = parameter(c, 'format')
    const { objects, workloadsOf } = await managed()
    const isVisible = await visibleTo(reader, () => namespacesOf(objects()), namespace)
    const rows = (rowOf: (version: WorkloadVersion) => string) =>
      rowsOf({ objects: () => visible(objects(), isVisible), workloadsOf }, rowOf)
    // The body is complete before the status is sent, so that a failure is no half page (B47).
    if (format === 'html') return c.body(workloadsPage(await rows(workloadRow)), 200, html)
    return c.body(`[${(await rows(jsonOf2018)).join()}]`, 200, { 'content-type': 'application/json' })
  })

  app.get('/:name', async (c) => {
    const reader = await readerOf(c.req.header('authorization'))
    const name = c.req.param('name')
    if (!isObjectName(name)) throw malformed('name', objectNames)
    const namespace = namespaceOf(c) ?? defaultNamespace
    const format = parameter(c, 'format')
    await visibleTo(reader, () => new Set(), namespace)
    const text = await history(namespace, historyOf(await managed(), namespace, name))
    return format === 'html'
      ? c.body(historyPage(namespace, name, text), 200, html)
      : c.body(text, 200, { 'content-type': 'text/plain; charset=UTF-8' })
  })
  return app
}

/** @throws Problem 400 if it is there more than once */
function parameter({ req }: Context, name: string): string | undefined {
  const [value, ...more] = req.queries(name) ?? []
  if (more.length > 0) throw new Problem(400, `write the parameter ${name} once`, { parameter: name })
  return value
}

const malformed = (name: string, allowed: string): Problem =>
  new Problem(400, `the parameter ${name} is no name that Kubernetes allows (${allowed})`, { parameter: name })

const namespacesOf = (objects: Iterable<ContainerVersion>): ReadonlySet<string> =>
  new Set(Array.from(objects, ({ namespace }) => namespace))

function* visible(objects: Iterable<ContainerVersion>, isVisible: (namespace: string) => boolean) {
  for (const object of objects) if (isVisible(object.namespace)) yield object
}

/** One pass over the objects, by name, in slices: the controller goes on meanwhile. */
async function rowsOf({ objects, workloadsOf }: Managed, rowOf: (version: WorkloadVersion) => string) {
  const slices = new Slices()
  const rows: string[] = []
  for (const object of [...objects()].sort(byKey)) {
    rows.push(...versionsOf(object, workloadsOf(object.key)).map(rowOf))
    if (slices.counts()) await slices.next()
  }
  return rows
}

const byKey = (one: ContainerVersion, other: ContainerVersion): number => (one.key < other.key ? -1 : 1)

/** What `spec.history.name` makes of it; otherwise it is that of the workload. */
function historyOf({ objects, workloadsOf }: Managed, namespace: string, workload: string): string {
  for (const { key, spec, ...object } of objects()) {
    const name = spec.history?.name
    if (name === undefined || object.namespace !== namespace) continue
    if (workloadsOf(key).some((selected) => selected.name === workload)) return name
  }
  return workload
}

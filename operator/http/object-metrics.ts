/**
 * Metrics of each ContainerVersion. They are made of its status at each scrape, so that a restart loses nothing, and they go
 * with the object. As text: for 10,000 objects, gauges take more than twice as long, and keep all values.
 */
import type { ContainerVersion } from '../api/container-version.ts'

type Observed = Pick<ContainerVersion, 'key' | 'namespace' | 'name' | 'status'>

export interface ObjectSource {
  /** Empty on a replica that stands by. */
  readonly objects: () => Iterable<Observed>
  /** How long ago a poll for the key has last succeeded, in milliseconds; undefined if none has. */
  readonly sinceAnswer: (key: string) => number | undefined
}

/** Prometheus keeps each series, so that their number has a bound. */
export const maxObjects = 10_000

interface ObjectMetric {
  readonly name: string
  readonly help: string
  /** Undefined: the object has no sample. */
  sample(object: Observed, source: ObjectSource): Sample | undefined
}

interface Sample {
  readonly value: number
  readonly label?: readonly [name: string, value: string]
}

const metrics: readonly ObjectMetric[] = [
  {
    name: 'cvmanager_containerversion_phase',
    help: 'Always 1; the label phase is that of the status.',
    sample: ({ status: { phase = 'Pending' } }) => ({ value: 1, label: ['phase', phase] }),
  },
  {
    name: 'cvmanager_containerversion_ready',
    help: '1 if the condition Ready is True, otherwise 0.',
    sample: ({ status: { conditions } }) => ({
      value: conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? 1 : 0,
    }),
  },
  {
    name: 'cvmanager_containerversion_held',
    help: '1 while a version waits that has not been rolled out; the label held_by says for what.',
    sample: ({ status: { next } }) =>
      next && next.heldBy !== 'Rollout' ? { value: 1, label: ['held_by', next.heldBy] } : undefined,
  },
  {
    name: 'cvmanager_containerversion_last_poll_success_timestamp_seconds',
    help: 'When this process has last polled with success.',
    sample({ key }, { sinceAnswer }) {
      const agoMs = sinceAnswer(key)
      return agoMs === undefined ? undefined : { value: Math.round((Date.now() - agoMs) / 1000) }
    },
  },
  {
    name: 'cvmanager_containerversion_last_rollout_timestamp_seconds',
    help: 'When the last rollout has ended, by its outcome.',
    sample({ status }) {
      const [last] = status.rollouts ?? []
      return last && { value: Date.parse(last.endTime) / 1000, label: ['outcome', last.outcome] }
    },
  },
]

/** In the text format of Prometheus. */
export function objectMetrics(source: ObjectSource): string {
  const pages = metrics.map(({ name, help }) => header(name, help))
  let count = 0
  for (const object of source.objects()) {
    count += 1
    if (count > maxObjects) continue
    // Names of Kubernetes need no escapes.
    const labels = `{namespace="${object.namespace}",name="${object.name}"`
    for (const [at, { name, sample }] of metrics.entries()) {
      const found = sample(object, source)
      if (!found) continue
      const { value, label } = found
      const more = label ? `,${label[0]}=${JSON.stringify(label[1])}` : ''
      pages[at] += `${name}${labels}${more}} ${value}\n`
    }
  }
  const without = 'cvmanager_containerversions_without_own_metrics'
  const help = `ContainerVersions beyond the first ${maxObjects}, which have no metrics of their own.`
  return `${pages.join('')}${header(without, help)}${without} ${Math.max(0, count - maxObjects)}\n`
}

const header = (name: string, help: string): string => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`

/** The metrics, named by Prometheus' rules: base units, `_total` for counters, labels with few values. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { outcomes } from '../api/names.ts'
import { version } from '../version.ts'
import { type ObjectSource, objectMetrics } from './object-metrics.ts'

export type Metrics = ReturnType<typeof createMetrics>

const reconcileBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
// From a small Deployment to the default deadline of 900 s and beyond.
const rolloutBuckets = [1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800]
// From a webhook and a small Deployment to a version that waited for people over a weekend.
const deliveryBuckets = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400, 259_200]
const pollLagBuckets = [0.1, 1, 5, 30, 60, 300]

/** Whoever writes a ContainerVersion names a host. Hosts beyond these share the series of one label. */
export const maxHosts = 100
const otherHosts = 'other'

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter<L>({ name, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge<L>({ name, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]) =>
    new Histogram<L>({ name, help, labelNames, buckets, registers })
  /** @param read called at each scrape */
  const gaugeOf = (name: string, help: string) => (read: () => number) => {
    const collect = function (this: Gauge) {
      this.set(read())
    }
    new Gauge({ name, help, registers, collect })
  }

  // The event loop's delay is sampled once a second: every 10 ms, the default, takes a third of an idle process' budget.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1_000 })
  gauge('cvmanager_build_info', 'Always 1; the labels say what runs.', 'version', 'commit', 'node').set(
    { ...version },
    1,
  )

  const ofHosts = {
    polls: counter(
      'cvmanager_registry_polls_total',
      'Polls of followed tags, by registry and outcome: unchanged, changed or failed.',
      'host',
      'outcome',
    ),
    pollLag: histogram(
      'cvmanager_registry_poll_lag_seconds',
      'How long after its due time a poll began, by registry.',
      pollLagBuckets,
      'host',
    ),
    missedPolls: counter(
      'cvmanager_registry_missed_polls_total',
      'Polls that began more than their interval late, by registry. The followed tags need more requests than go out.',
      'host',
    ),
    registryRequests: counter(
      'cvmanager_registry_requests_total',
      'Requests to registries and their token services, by registry, purpose, and status or kind of failure.',
      'host',
      'purpose',
      'outcome',
    ),
    registryAllowance: gauge(
      'cvmanager_registry_ratelimit_limit',
      'How many pulls a registry allows in its window, for registries that say so, such as Docker Hub.',
      'host',
    ),
    registryRemaining: gauge(
      'cvmanager_registry_ratelimit_remaining',
      'How many of these pulls are left by the last answer. Below a tenth of the limit, requests are slowed down.',
      'host',
    ),
  }

  const rollouts = counter(
    'cvmanager_rollouts_total',
    `Finished rollouts, by outcome: ${outcomes.join(', ')}.`,
    'outcome',
  )
  // Prometheus sees no increase in a series that begins with 1.
  for (const outcome of outcomes) rollouts.inc({ outcome }, 0)
  const hosts = new Set<string>()
  let source: ObjectSource | undefined

  return {
    registry,
    /** All metrics, for the server. */
    page: {
      contentType: registry.contentType,
      metrics: async () => (await registry.metrics()) + (source ? objectMetrics(source) : ''),
    },
    /** @param objects read at each scrape */
    objectsOf: (objects: ObjectSource) => {
      source = objects
    },
    ...ofHosts,
    /** The value of the label `host`, in all metrics of registries. */
    hostLabel: (host: string): string => {
      if (!hosts.has(host) && hosts.size >= maxHosts) return otherHosts
      hosts.add(host)
      return host
    },
    /** For a registry that nobody follows any more: series of it would stay for ever. */
    forgetHost: async (host: string) => {
      hosts.delete(host)
      for (const metric of Object.values(ofHosts)) {
        for (const { labels } of (await metric.get()).values) {
          // A histogram has a value for each bucket, and is removed as a whole.
          const { le: _, ...own } = labels as typeof labels & { readonly le?: number | string }
          if (labels.host === host) metric.remove(own)
        }
      }
    },
    hints: counter(
      'cvmanager_push_hints_total',
      'Push hints, by kind (of webhook, or ecr-events) and outcome: looked, unknown, ignored, refused, malformed, unavailable or forwarded.',
      'kind',
      'outcome',
    ),
    pushHearing: gauge(
      'cvmanager_push_hearing',
      '1 while the queue of events can be read, 0 while it cannot.',
      'source',
    ),
    reconcileSeconds: histogram(
      'cvmanager_reconcile_duration_seconds',
      'Duration of one reconciliation of one ContainerVersion, by outcome.',
      reconcileBuckets,
      'outcome',
    ),
    queueDepthOf: gaugeOf('cvmanager_queue_depth', 'ContainerVersions that wait for a worker or are being reconciled.'),
    queueWaitOf: gaugeOf(
      'cvmanager_queue_longest_wait_seconds',
      'How long the ContainerVersion at the head of the queue has waited for a worker.',
    ),
    rollouts,
    rolloutSeconds: histogram(
      'cvmanager_rollout_duration_seconds',
      'Duration of a rollout from its first patch to its end, by outcome.',
      rolloutBuckets,
      'outcome',
    ),
    deliverySeconds: histogram(
      'cvmanager_push_to_rolled_out_seconds',
      'Time from when a new version was seen, by a poll or a webhook, until it was rolled out and healthy. Waits for gates, checks and people count.',
      deliveryBuckets,
    ),
    /** @param phases of all ContainerVersions; called at each scrape */
    containerVersionsOf: (phases: () => Iterable<string>) => {
      new Gauge<'phase'>({
        name: 'cvmanager_containerversions',
        help: 'ContainerVersions by the phase in their status.',
        labelNames: ['phase'],
        registers,
        collect() {
          this.reset()
          for (const phase of phases()) this.inc({ phase })
        },
      })
    },
    leader: gauge('cvmanager_leader', '1 while this process leads or needs no Lease, 0 while it is a candidate.'),
    apiRequests: counter(
      'cvmanager_api_requests_total',
      'Requests to the API server, by verb, resource and status code.',
      'verb',
      'resource',
      'code',
    ),
    apiWrites: counter(
      'cvmanager_api_writes_total',
      'Requests to the API server that write, by resource. An idle process only renews its Lease.',
      'resource',
    ),
  }
}

/** What is measured, under names by Prometheus' rules: base units, `_total` for counters, labels of few values. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { version } from '../version.ts'

export type Metrics = ReturnType<typeof createMetrics>

const reconcileSeconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
// From a small Deployment to the default deadline of 900 s and beyond.
const rolloutSeconds = [1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800]

export function createMetrics(registry: Registry = new Registry()) {
  const registers = [registry]
  // The event loop's delay is sampled once a second: every 10 ms, the default, is a third of what an idle process may use.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1_000 })
  new Gauge({
    name: 'cvmanager_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'commit', 'node'],
    registers,
  }).set({ ...version }, 1)

  return {
    registry,
    polls: new Counter<'host' | 'outcome'>({
      name: 'cvmanager_registry_polls_total',
      help: 'Looks at a followed tag, by registry and outcome: unchanged, changed or failed.',
      labelNames: ['host', 'outcome'],
      registers,
    }),
    hints: new Counter<'kind' | 'outcome'>({
      name: 'cvmanager_push_hints_total',
      help: 'Hints of pushes, by kind (of webhook, or ecr-events) and outcome: looked, unknown, ignored, refused, malformed, unavailable or forwarded.',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    /** @param slowed asked at each scrape */
    slowedOf: (slowed: () => number) => {
      new Gauge({
        name: 'cvmanager_push_slowed_targets',
        help: 'Followed tags that are polled less often, because push works for them.',
        registers,
        collect() {
          this.set(slowed())
        },
      })
    },
    pushHearing: new Gauge<'source'>({
      name: 'cvmanager_push_hearing',
      help: 'Whether the events of a queue arrive: 1, or 0 where it cannot be read and tags are polled at their own pace.',
      labelNames: ['source'],
      registers,
    }),
    registryRequests: new Counter<'host' | 'purpose' | 'outcome'>({
      name: 'cvmanager_registry_requests_total',
      help: 'Requests to registries, tokens included, by registry, purpose, and status or kind of failure.',
      labelNames: ['host', 'purpose', 'outcome'],
      registers,
    }),
    registryAllowance: new Gauge<'host'>({
      name: 'cvmanager_registry_ratelimit_limit',
      help: 'How many pulls a registry allows in its window, where it says so (Docker Hub does).',
      labelNames: ['host'],
      registers,
    }),
    registryRemaining: new Gauge<'host'>({
      name: 'cvmanager_registry_ratelimit_remaining',
      help: 'How many of them are left, as its last answer said. Below a tenth, it is asked slowly.',
      labelNames: ['host'],
      registers,
    }),
    reconcileSeconds: new Histogram<'outcome'>({
      name: 'cvmanager_reconcile_duration_seconds',
      help: 'One look at one ContainerVersion, by what came of it; its count is the number of looks.',
      labelNames: ['outcome'],
      buckets: reconcileSeconds,
      registers,
    }),
    /** @param depth asked at each scrape */
    queueDepthOf: (depth: () => number) => {
      new Gauge({
        name: 'cvmanager_queue_depth',
        help: 'ContainerVersions that wait for a worker or are worked on now.',
        registers,
        collect() {
          this.set(depth())
        },
      })
    },
    rollouts: new Counter<'outcome'>({
      name: 'cvmanager_rollouts_total',
      help: 'Rollouts that have ended, by outcome: Succeeded, RolledBack, Failed, Aborted.',
      labelNames: ['outcome'],
      registers,
    }),
    rolloutSeconds: new Histogram<'outcome'>({
      name: 'cvmanager_rollout_duration_seconds',
      help: 'From the first patch of a rollout to its end, by outcome.',
      labelNames: ['outcome'],
      buckets: rolloutSeconds,
      registers,
    }),
    /** @param phases of all ContainerVersions, asked at each scrape */
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
    leader: new Gauge({
      name: 'cvmanager_leader',
      help: '1 where this process holds the Lease, or needs none; 0 where it stands by.',
      registers,
    }),
    apiRequests: new Counter<'verb' | 'resource' | 'code'>({
      name: 'cvmanager_api_requests_total',
      help: 'Requests to the API server, by verb, resource and status code.',
      labelNames: ['verb', 'resource', 'code'],
      registers,
    }),
    apiWrites: new Counter<'resource'>({
      name: 'cvmanager_api_writes_total',
      help: 'Those of them that write, by resource. Idle, only leases are written.',
      labelNames: ['resource'],
      registers,
    }),
  }
}

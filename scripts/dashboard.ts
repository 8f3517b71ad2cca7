/** The Grafana dashboard, from one line for each panel. */
interface Panel {
  readonly title: string
  readonly type: 'stat' | 'timeseries' | 'table'
  readonly unit?: string
  /** PromQL by its legend. */
  readonly queries: Readonly<Record<string, string>>
}

const stat = (title: string, expr: string): Panel => ({ title, type: 'stat', queries: { '': expr } })
const graph = (title: string, unit: string, queries: Panel['queries']): Panel => ({
  ...{ title, type: 'timeseries', unit, queries },
})
const rate = (metric: string, by: string) => `sum by (${by}) (rate(${metric}[$__rate_interval]))`
const quantiles = (metric: string, by = ''): Panel['queries'] =>
  Object.fromEntries(
    [0.5, 0.95].map((quantile) => [
      `p${quantile * 100}${by && ` {{${by}}}`}`,
      `histogram_quantile(${quantile}, ${rate(`${metric}_bucket`, by ? `le, ${by}` : 'le')})`,
    ]),
  )

/** Six to a row for single values, two for everything else. */
const panels: readonly Panel[] = [
  stat('Leaders', 'sum(cvmanager_leader)'),
  stat('ContainerVersions', 'sum(cvmanager_containerversions)'),
  stat('Up to date', 'sum(cvmanager_containerversions{phase="UpToDate"}) or vector(0)'),
  stat('Failed', 'sum(cvmanager_containerversions{phase=~"RolledBack|Failed"}) or vector(0)'),
  stat('Need a person', 'sum(cvmanager_containerversions{phase="Stalled"}) or vector(0)'),
  stat('Held', 'sum(cvmanager_containerversion_held) or vector(0)'),
  {
    title: 'Not ready',
    type: 'table',
    queries: {
      '': 'cvmanager_containerversion_phase * on (namespace, name) group_left () (cvmanager_containerversion_ready == 0)',
    },
  },
  { title: 'Held', type: 'table', queries: { '': 'cvmanager_containerversion_held == 1' } },
  graph('Rollouts', 'short', { '{{outcome}}': 'sum by (outcome) (increase(cvmanager_rollouts_total[1h]))' }),
  graph('ContainerVersions by phase', 'short', { '{{phase}}': 'sum by (phase) (cvmanager_containerversions)' }),
  graph('Push to rolled out', 's', quantiles('cvmanager_push_to_rolled_out_seconds')),
  graph('Duration of rollouts', 's', quantiles('cvmanager_rollout_duration_seconds', 'outcome')),
  graph('Polls', 'reqps', { '{{host}} {{outcome}}': rate('cvmanager_registry_polls_total', 'host, outcome') }),
  graph('Poll lag', 's', quantiles('cvmanager_registry_poll_lag_seconds', 'host')),
  graph('Requests to registries', 'reqps', {
    '{{host}} {{purpose}} {{outcome}}': rate('cvmanager_registry_requests_total', 'host, purpose, outcome'),
  }),
  graph('What registries allow', 'percentunit', {
    '{{host}} left': 'cvmanager_registry_ratelimit_remaining / cvmanager_registry_ratelimit_limit',
  }),
  graph('Throttled and missed', 'short', {
    '{{host}} refused with 429': 'sum by (host) (increase(cvmanager_registry_requests_total{outcome="429"}[1h]))',
    '{{host}} missed polls': 'sum by (host) (increase(cvmanager_registry_missed_polls_total[1h]))',
  }),
  graph('Webhooks and events', 'short', {
    '{{kind}} {{outcome}}': 'sum by (kind, outcome) (increase(cvmanager_push_hints_total[1h]))',
  }),
  graph('Queue', 'short', { depth: 'sum(cvmanager_queue_depth)' }),
  graph('Wait in the queue, and reconciles', 's', {
    'longest wait': 'max(cvmanager_queue_longest_wait_seconds)',
    ...quantiles('cvmanager_reconcile_duration_seconds', 'outcome'),
  }),
  graph('Requests to the API server', 'reqps', {
    '{{verb}} {{code}}': rate('cvmanager_api_requests_total', 'verb, code'),
  }),
  graph('Writes to the API server', 'reqps', { '{{resource}}': rate('cvmanager_api_writes_total', 'resource') }),
  graph('CPU', 'percentunit', {
    '{{pod}}': 'rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) cvmanager_build_info',
  }),
  graph('Memory and event loop', 'short', {
    '{{pod}} bytes': 'process_resident_memory_bytes and on (instance) cvmanager_build_info',
    '{{pod}} event loop p99, seconds': 'nodejs_eventloop_lag_p99_seconds and on (instance) cvmanager_build_info',
  }),
]

const columns = 24
const datasource = { type: 'prometheus', uid: '$datasource' }

export function dashboard(): string {
  let x = 0
  let y = 0
  const placed = panels.map(({ title, type, unit = 'short', queries }, at) => {
    const [w, h] = type === 'stat' ? [4, 4] : [12, 8]
    const gridPos = { x, y, w, h }
    x = (x + w) % columns
    if (x === 0) y += h
    const targets = Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      ...{ datasource, expr, legendFormat, instant: type !== 'timeseries', range: type === 'timeseries' },
      format: type === 'table' ? 'table' : 'time_series',
    }))
    const fieldConfig = { defaults: { unit, min: 0 }, overrides: [] }
    return { id: at + 1, ...{ title, type, datasource, gridPos, fieldConfig, targets } }
  })
  const page = {
    ...{ uid: 'cvmanager', title: 'cvmanager', tags: ['cvmanager'], schemaVersion: 39, version: 1 },
    ...{ editable: true, refresh: '1m', time: { from: 'now-6h', to: 'now' } },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }] },
    panels: placed,
  }
  return `${JSON.stringify(page, undefined, 2)}\n`
}

/** Runs for the tests of the model, and what they are made of. */
import type { RolloutStatus } from '../../../operator/api/rollout-status.ts'
import type { ContainerVersionStatus } from '../../../operator/api/status.ts'
import { timestamp } from '../../../operator/time/clock.ts'
import { type Build, build } from '../../scenario/builds.ts'
import type { Evidence } from './evidence.ts'
import type { PodLife } from './pods.ts'
import type { RawObject, State } from './states.ts'

export const epoch = Date.parse('2026-01-02T03:04:05Z')
export const second = 1_000
export const [v1, v2, v3] = ['1111111', '2222222', '3333333'].map((name) => build(name)) as [Build, Build, Build]
export const imageOf = ({ name, digest }: Build): string => `registry.example.com/web:${name}@${digest}`

export const web = (image: Build, uid = 'uid-of-web'): RawObject => ({
  kind: 'Deployment',
  metadata: { name: 'web', uid, resourceVersion: '1' },
  spec: { template: { spec: { containers: [{ name: 'main', image: imageOf(image) }] } } },
})

export const containerVersion = (status: ContainerVersionStatus, finalizers: readonly string[] = []): RawObject => ({
  kind: 'ContainerVersion',
  metadata: { name: 'web-cv', uid: 'uid-of-web-cv', resourceVersion: '1', finalizers },
  status: { observedGeneration: 1, ...status },
})

const rollout = (given: Partial<RolloutStatus> = {}): RolloutStatus => ({
  id: 'r1',
  phase: 'RollingOut',
  digest: v2.digest,
  version: v2.name,
  image: imageOf(v2),
  startTime: timestamp(epoch),
  deadline: timestamp(epoch + 10 * second),
  settings: { timeoutSeconds: 10, strategy: { kind: 'Simple' }, verify: [] },
  workloads: [{ kind: 'Deployment', name: 'web', uid: 'uid-of-web', previous: [{ name: 'main', image: imageOf(v1) }] }],
  ...given,
})

export const runs = (version: Build) => ({
  current: { version: version.name, image: imageOf(version), since: timestamp(epoch) },
})
const knows = (version: Build) => ({
  observed: {
    tag: 'env-prod',
    digest: version.digest,
    version: version.name,
    source: 'alias' as const,
    firstSeenTime: timestamp(epoch),
  },
})
export const rollingOut = (given?: Partial<RolloutStatus>) =>
  containerVersion({ phase: 'RollingOut', ...knows(v2), ...runs(v1), rollout: rollout(given) })
export const upToDate = containerVersion({ phase: 'UpToDate', ...knows(v2), ...runs(v2) })

export const history = (...outcomes: readonly string[]): RawObject => ({
  kind: 'ConfigMap',
  metadata: { name: 'web.history', uid: 'uid-of-history', resourceVersion: '1' },
  data: {
    'rollouts.json': JSON.stringify(
      outcomes.map((outcome) => ({ id: 'r1', kind: 'Deployment', workload: 'web', outcome })),
    ),
  },
})

export const service = (color: string): RawObject => ({
  kind: 'Service',
  metadata: { name: 'web', uid: 'uid-of-service', resourceVersion: '1' },
  spec: { selector: { color } },
})

export const side = (color: string, replicas: number): RawObject => ({
  kind: 'Deployment',
  metadata: { name: `web-${color}`, uid: color, resourceVersion: '1' },
  spec: {
    replicas,
    template: { metadata: { labels: { color } }, spec: { containers: [{ name: 'main', image: imageOf(v1) }] } },
  },
})

const starting = { isReady: false, end: undefined }

/** @param sights the second of each, and what is seen then */
export const life = (
  name: string,
  given: Partial<PodLife>,
  ...sights: readonly (readonly [number, Partial<PodLife['sights'][number]>])[]
): PodLife => ({
  uid: `uid-of-${name}`,
  name,
  labels: {},
  images: new Set([imageOf(v2)]),
  checks: undefined,
  sights: sights.map(([seconds, sight]) => ({
    ...starting,
    at: epoch + seconds * second,
    revision: 100 + seconds,
    ...sight,
  })),
  ...given,
})
export const ofCheck = { checks: { owner: 'uid-of-web-cv', check: 'smoke' } }
export const podOfCheck: RawObject = {
  kind: 'Pod',
  metadata: { name: 'a', uid: 'a', resourceVersion: '1', labels: { 'cvmanager.io/containerversion': 'web-cv' } },
}
export const ofGreen = { labels: { color: 'green' } }

type Told = readonly [by: State['by'], object: RawObject, seconds: number]

const begin: readonly Told[] = [
  ['people', web(v1), -60],
  ['people', containerVersion({}), -60],
]
const all: readonly Told[] = [
  ...begin,
  ['cvmanager', rollingOut(), 0],
  ['cvmanager', web(v2), 1],
  ['cvmanager', rollingOut({ phase: 'Recording', outcome: 'Succeeded' }), 3],
  ['cvmanager', upToDate, 4],
]

const statesOf = (told: readonly Told[]): readonly State[] =>
  told.map(([by, object, seconds], index) => ({
    at: epoch + seconds * second,
    revision: index + 1,
    by,
    verb: 'update',
    resource: `${object.kind.toLowerCase()}s`,
    object,
  }))

/** A rollout of v2 to one Deployment, in which all is well. */
export const clean: Evidence = {
  states: statesOf(all),
  lives: [],
  isCheckedBefore: false,
  disturbances: [],
  tagMoves: [{ at: epoch - second, build: v2, isGood: true }],
  served: new Set([v1, v2, v3].map(imageOf)),
  good: new Set([v1, v2, v3].map(imageOf)),
  lateWrites: 0,
  end: {
    containerVersion: upToDate,
    workloads: [web(v2)],
    serving: [web(v2)],
    configMaps: [history('Succeeded')],
    pods: [],
  },
  afterwards: [],
  began: epoch - 30 * second,
  now: epoch + 60 * second,
}

export const after = (...told: readonly Told[]): Partial<Evidence> => ({ states: statesOf([...all, ...told]) })
export const instead = (...told: readonly Told[]): Partial<Evidence> => ({ states: statesOf([...begin, ...told]) })
/** Users are switched to the other side, 2 s after the rollout has begun. */
export const switched = (...more: readonly Told[]): Partial<Evidence> => ({
  serviceName: 'web',
  ...instead(
    ['people', service('blue'), -60],
    ['people', side('blue', 2), -60],
    ['people', side('green', 2), -60],
    ['cvmanager', rollingOut(), 0],
    ...more,
    ['cvmanager', service('green'), 2],
  ),
})
export const rolledBack = (outcome: RolloutStatus['outcome'] = 'RolledBack') =>
  rollingOut({ phase: 'Recording', outcome, rollbackTime: timestamp(epoch) })

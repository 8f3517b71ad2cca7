/** Objects for the tests of `plan`: a ContainerVersion, workloads as the observer returns them, and offers. */
import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { ContainerVersionSpec } from '../../api/spec.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import type { Offer, Version } from '../../discovery/target.ts'
import type { Digest } from '../../images/digest.ts'
import { composeImage } from '../../images/reference.ts'
import { timestamp } from '../../time/clock.ts'
import type { Observation } from '../observe/observation.ts'
import type { Container, Health, ImageChange, Workload } from '../workloads/workload.ts'

export const imageRepo = 'registry.example.com/shop/web'
export const epoch = Date.parse('2026-01-02T03:04:05Z')

export const version = (name: string): Version => ({
  name,
  digest: `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)}` as Digest,
  source: 'alias',
})

export const imageOf = (name: string): string => composeImage(imageRepo, version(name))

export const offers = (name: string): Offer => ({ state: 'known', version: version(name) })

export function object(
  status: ContainerVersionStatus = {},
  spec: Partial<ContainerVersionSpec> = {},
): ContainerVersion {
  return {
    key: 'shop/web-cv',
    resourceVersion: '1',
    namespace: 'shop',
    name: 'web-cv',
    uid: 'uid-of-web-cv',
    generation: 1,
    finalizers: [],
    deleting: false,
    spec: { imageRepo, tag: 'env-prod', selector: { cvapp: 'web' }, ...spec },
    status,
  }
}

/** A rollout of v2 in progress, which has just begun. */
export const rollingOut = (workloads: RolloutStatus['workloads'] = []): RolloutStatus => ({
  id: 'r1',
  phase: 'RollingOut',
  digest: version('v2').digest,
  version: 'v2',
  image: imageOf('v2'),
  startTime: timestamp(epoch),
  deadline: timestamp(epoch + 900_000),
  workloads,
})

/** A workload that answers from its containers alone. */
export function workload(
  name: string,
  containers: readonly Container[],
  health: Health = { state: 'healthy' },
  running?: string,
  uid = `uid-of-${name}`,
): Workload {
  const ref = { kind: 'Deployment', namespace: 'shop', name, uid, resourceVersion: '1' }
  const seen = { labels: {}, containers }
  const restore = (images: readonly Container[]): ImageChange => ({ change: 'images', of: ref, images, seen })
  return {
    ref,
    name: `Deployment/${name}`,
    containers: containers.map((container) => ({ ...container, running })),
    order: 0,
    rolls: 'ByPatch',
    replicas: 1,
    podLabels: { app: name },
    health,
    restarts: 0,
    ready: new Set(),
    unavailable: 0,
    mustDisown: false,
    blockers: [],
    runs: (image) => containers.every((container) => container.image === image),
    changeTo: (image) => restore(containers.map((container) => ({ name: container.name, image }))),
    restore,
  }
}

export function observation(given: Partial<Observation> & Pick<Observation, 'object'>): Observation {
  const workloads = given.workloads ?? []
  const offer: Offer = { state: 'unknown' }
  return {
    workloads,
    members: workloads,
    problem: undefined,
    offer,
    missingRights: [],
    newSince: undefined,
    now: epoch,
    ...given,
  }
}

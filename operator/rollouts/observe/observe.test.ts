import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import { Cache } from '../../kubernetes/cache.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { epoch, imageOf, object, offers, rollingOut } from '../plan/plan.fixture.ts'
import { plan } from '../plan/plan.ts'
import { sourcesWith } from '../verifiers/verifier.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { statefulSet } from '../workloads/stateful-set.ts'
import type { WorkloadKind, WorkloadObject } from '../workloads/workload.ts'
import { Observer } from './observe.ts'
import { SelectorIndex } from './selector-index.ts'
import { testServices } from './services.fixture.ts'

const rethrow = (error: unknown) => {
  throw error
}

function refusal(path: string, resource: string): ApiError {
  const message = `${resource} is forbidden: User "system:serviceaccount:cvmanager:cvmanager" cannot list resource "${resource}" in API group "" in the namespace "shop"`
  return ApiError.fromAnswer({ method: 'GET', path }, 403, JSON.stringify({ kind: 'Status', message }))
}

/**
 * A rollout that waits for its workload.
 * @param refused the resources that the API server refuses to list; of others there are none
 */
async function observed(kind: WorkloadKind, refused: readonly string[]) {
  const objects = new Cache<ContainerVersion>(rethrow)
  const workloads = new Cache<WorkloadObject>(rethrow)
  const index = new SelectorIndex(objects, [workloads], () => undefined)
  const rolling = object({ rollout: rollingOut() })
  const template = { containers: [{ name: 'web', image: imageOf('v2') }] }
  objects.update(rolling)
  workloads.update(kind.strip(raw({ template, status: { observedGeneration: 2, updateRevision: 'new' } })))
  const get = async (path: string) => {
    const resource = path.slice(path.lastIndexOf('/') + 1)
    if (refused.includes(resource)) throw refusal(path, resource)
    return { metadata: {}, items: [] }
  }
  const client = { get } as unknown as ApiClient
  const observer = new Observer(
    client,
    index,
    testServices(client),
    { now: () => epoch + 6_000 },
    sourcesWith().sources,
  )
  return observer.observe(rolling, offers('v2'))
}

for (const [kind, resource] of [
  [deployment, 'replicasets'],
  [deployment, 'pods'],
  [statefulSet, 'events'],
] as const) {
  test(`without the right to list ${resource} delivery goes on, and an event names the right`, async (t) => {
    const observation = await observed(kind, [resource])
    t.match(observation.workloads, [{ health: { state: 'waiting' } }])
    const { status, events } = plan(observation)
    t.equal(status.rollout?.phase, 'RollingOut')
    t.match(
      events.filter(({ reason }) => reason === 'RightMissing'),
      [{ type: 'Warning', message: new RegExp(`may not list ${resource} in namespace shop: apply deploy/rbac.yaml`) }],
    )
    t.equal(plan(await observed(kind, [])).events.filter(({ reason }) => reason === 'RightMissing').length, 0)
  })
}

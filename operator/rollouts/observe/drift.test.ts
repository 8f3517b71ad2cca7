/** Who has set an image, as the Observer reads it from managedFields. */
import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { ContainerVersionStatus } from '../../api/status.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import { Cache } from '../../kubernetes/cache.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { timestamp } from '../../time/clock.ts'
import { epoch, imageOf, object, offers, version } from '../plan/plan.fixture.ts'
import { sourcesWith } from '../verifiers/verifier.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { noPods } from '../workloads/health.ts'
import { workloadKinds } from '../workloads/kinds.ts'
import { workload } from '../workloads/view.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import { driftOf } from './drift.ts'
import { Observer } from './observe.ts'
import { SelectorIndex } from './selector-index.ts'
import { testServices } from './services.fixture.ts'

const at = (seconds: number) => timestamp(epoch + seconds * 1000)
const entry = (manager: string, time: string, more: object = {}) => ({
  manager,
  operation: 'Update',
  time,
  fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"web"}': { 'f:image': {} } } } } } },
  ...more,
})

const whole = { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {}, 'f:name': {} } } }
const created = entry('kubectl-create', at(-100), {
  fieldsV1: { 'f:spec': { 'f:template': { 'f:spec': whole } } },
})

interface Given {
  /** The image that the watch has brought. */
  readonly image?: string
  readonly managedFields?: readonly object[]
  readonly status?: ContainerVersionStatus
  /** More of the Deployment as the API server has it now. */
  readonly now?: { readonly image?: string; readonly resourceVersion?: string }
  readonly refuses?: boolean
}

const ran = (name: string) => ({
  version: name,
  digest: version(name).digest,
  image: imageOf(name),
  since: at(0),
})
const upToDate: ContainerVersionStatus = { phase: 'UpToDate', observedGeneration: 1, current: ran('v1.3.0') }

async function observed({
  image = imageOf('v1.1.0'),
  managedFields = [],
  status = upToDate,
  now = {},
  refuses,
}: Given) {
  const objects = new Cache<ContainerVersion>((error) => {
    throw error
  })
  const workloads = new Cache<WorkloadObject>((error) => {
    throw error
  })
  const index = new SelectorIndex(objects, [workloads], () => undefined)
  const settled = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }
  const web = (name: string, metadata: object) =>
    raw({ metadata, template: { containers: [{ name: 'web', image: name }] }, status: settled })
  const reads: string[] = []
  const get = async (path: string) => {
    reads.push(path)
    if (refuses) throw new ApiError(403, 'Forbidden', `GET ${path}: cannot get deployments`)
    const { resourceVersion = '7' } = now
    return web(now.image ?? image, { resourceVersion, creationTimestamp: at(-100), managedFields })
  }
  const subject = object(status)
  objects.update(subject)
  workloads.update(deployment.strip(web(image, {})))
  const client = { get } as unknown as ApiClient
  const observer = new Observer(
    client,
    index,
    testServices(client),
    { now: () => epoch + 60_000 },
    sourcesWith().sources,
  )
  const { drift, workloads: found, missingRights } = await observer.observe(subject, offers('v1.3.0'))
  return { drift, images: found.flatMap(({ containers }) => containers.map((one) => one.image)), missingRights, reads }
}

test('drift names the newest field manager of the image, for one read', async (t) => {
  const managedFields = [
    entry('kubectl-client-side-apply', at(5)),
    entry('kubectl-rollout', at(9)),
    entry('kube-controller-manager', at(10), { subresource: 'status' }),
    { ...entry('kubectl-label', at(11)), fieldsV1: { 'f:metadata': {} } },
  ]
  const { drift, reads } = await observed({ managedFields })
  t.match(drift, [{ workload: 'Deployment/web', by: 'kubectl-rollout', setTime: at(9), containers: [{ name: 'web' }] }])
  t.same(reads, ['/apis/apps/v1/namespaces/shop/deployments/web'])
})

test('nothing is read while the image is what the status says', async (t) => {
  const same = await observed({ image: imageOf('v1.3.0') })
  t.same([same.drift, same.reads], [[], []])
  const known = { ...upToDate, current: { ...ran('v1.1.0'), image: imageOf('v1.1.0') } }
  t.same((await observed({ status: known })).reads, [], 'and not again once the status says it')
  t.same((await observed({ status: {} })).reads, [], 'nor for a new object')
  t.same((await observed({ status: { ...upToDate, observedGeneration: 0 } })).reads, [], 'nor for another spec')
})

test('what cvmanager has set, and what was like that before, is no drift', async (t) => {
  for (const [what, fields] of Object.entries({
    'cvmanager, for another ContainerVersion': entry('cvmanager', at(9)),
    'when it was created': created,
    'before it was selected': entry('kubectl-set', at(-50)),
  }))
    t.same((await observed({ managedFields: [fields] })).drift, [], what)
})

test('an image that is set in the second in which the workload was created and seen is drift', async (t) => {
  const status = { ...upToDate, current: { ...ran('v1.3.0'), since: at(-100) } }
  t.match((await observed({ status, managedFields: [entry('kubectl-set', at(-100))] })).drift, [{ by: 'kubectl-set' }])
  t.same((await observed({ status, managedFields: [created] })).drift, [])
})

test('drift whose author is not known is told without', async (t) => {
  t.match((await observed({})).drift, [{ by: undefined, setTime: undefined }])
  const refused = await observed({ refuses: true })
  t.same(refused.drift, [])
  t.match(refused.missingRights, [/cannot get deployments/])
})

test('a watch that is late is no drift: the workload is seen as it is', async (t) => {
  const now = { image: imageOf('v1.3.0'), resourceVersion: '8' }
  const { drift, images } = await observed({ managedFields: [entry('cvmanager', at(9))], now })
  t.same(drift, [])
  t.same(images, [imageOf('v1.3.0')])
})

test('an image of another repository is drift, although no container is selected any more', async (t) => {
  const image = `other.example.com/shop/web:v9@${version('v9').digest}`
  const given = { image, managedFields: [entry('kubectl-set', at(9))] }
  const { drift, images } = await observed(given)
  t.match(drift, [{ by: 'kubectl-set', containers: [{ image }] }])
  t.same(images, [])
  const conditions = [{ type: 'Ready', status: 'False', reason: 'ContainerNotFound', message: '' }] as never
  t.same((await observed({ ...given, status: { ...upToDate, conditions } })).reads, [], 'and is read once')
})

const rollout = {
  id: 'r1',
  phase: 'RollingOut',
  digest: version('v2').digest,
  version: 'v2',
  image: imageOf('v2'),
  startTime: at(0),
  deadline: at(900),
  workloads: [
    { kind: 'Deployment', name: 'web', uid: 'uid-of-web', previous: [{ name: 'web', image: imageOf('v1.3.0') }] },
  ],
} as const

test('during a rollout an undo is told from a workload that is not patched yet', async (t) => {
  const status = { ...upToDate, rollout }
  const given = { status, image: imageOf('v1.3.0') }
  t.match((await observed({ ...given, managedFields: [entry('kubectl-rollout', at(9))] })).drift, [
    { by: 'kubectl-rollout' },
  ])
  t.same((await observed({ ...given, managedFields: [entry('kubectl-set', at(-9))] })).drift, [])
  t.same((await observed({ status, image: imageOf('v2') })).reads, [], 'what runs the version costs nothing')
})

test('during a rollback only an image that is neither of the two is drift', async (t) => {
  const status = { ...upToDate, rollout: { ...rollout, phase: 'RollingBack', rollbackTime: at(5) } } as const
  const managedFields = [entry('kubectl-set', at(9))]
  t.same((await observed({ status, managedFields, image: imageOf('v1.3.0') })).drift, [])
  t.match((await observed({ status, managedFields, image: imageOf('v9') })).drift, [{ by: 'kubectl-set' }])
})

for (const kind of workloadKinds)
  test(`drift of a ${kind.kind} is found where it has its containers`, async (t) => {
    const container = { 'k:{"name":"web"}': { 'f:image': {} } }
    const path = [...kind.podTemplate, 'spec', 'containers'].map((key) => `f:${key}`)
    const fieldsV1 = path.reduceRight<object>((inner, key) => ({ [key]: inner }), container)
    const managedFields = [{ manager: 'kubectl-set', operation: 'Update', time: at(9), fieldsV1 }]
    const given = raw({ metadata: { creationTimestamp: at(-100), managedFields } }, kind.podTemplate)
    const stripped = kind.strip(given)
    const seen = workload(stripped, stripped.containers, noPods, { now: epoch, since: epoch })
    t.match(driftOf(object(upToDate), seen, seen.containers, given), { by: 'kubectl-set', setTime: at(9) })
  })

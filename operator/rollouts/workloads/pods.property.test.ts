import fc from 'fast-check'
import { type Test, test } from 'tap'
import { raw } from './contract.fixture.ts'
import { made, rawPod, revision, seconds } from './pod.fixture.ts'
import { isOwn, pod } from './pods.ts'
import { statefulSet } from './stateful-set.ts'
import { workload } from './view.ts'
import type { Workload } from './workload.ts'

const image = 'mirror.example.com/shop/web:v2'
const pulling = (rest: string) => `Back-off pulling image "${image}"${rest}`

/** What the kubelet, the registry, the network or a person may still mend. */
const healing = fc.record({
  reason: fc.constantFrom('ImagePullBackOff', 'ErrImagePull'),
  message: fc
    .constantFrom(
      '503 Service Unavailable',
      '500 Internal Server Error',
      'toomanyrequests: You have reached your pull rate limit',
      '429 Too Many Requests',
      'dial tcp 10.0.0.1:443: i/o timeout',
      'dial tcp: lookup registry.example.com: no such host',
      'net/http: TLS handshake timeout',
      'connect: connection refused',
      'unexpected EOF',
    )
    .map((cause) => pulling(`: ErrImagePull: rpc error: code = Unknown desc = failed to pull "${image}": ${cause}`)),
})

/** What only a new version or a person can mend. */
const hopeless = fc.constantFrom(
  { reason: 'ImagePullBackOff', message: pulling(': ErrImagePull: manifest unknown') },
  { reason: 'ErrImagePull', message: 'unauthorized: authentication required' },
  { reason: 'InvalidImageName', message: '' },
  { reason: 'ErrImageNeverPull', message: '' },
)

/** It may be mended, or not: nobody can tell yet. */
const unclear = fc.constantFrom(
  { reason: 'ImagePullBackOff', message: pulling('') },
  { reason: 'ErrImagePull', message: '403 Forbidden' },
  { reason: 'ImageInspectError', message: '' },
  { reason: 'CreateContainerConfigError', message: 'configmap "web" not found' },
  { reason: 'CreateContainerError', message: 'context deadline exceeded' },
  { reason: 'ContainerCreating', message: '' },
)

type Waiting = fc.Arbitrary<{ readonly reason: string; readonly message: string } | undefined>

const owners = {
  own: { kind: 'StatefulSet', name: 'web', uid: 'uid-of-web', controller: true },
  ownOnly: { kind: 'StatefulSet', name: 'web', uid: 'uid-of-web', controller: false },
  other: { kind: 'StatefulSet', name: 'other', uid: 'uid-of-other', controller: true },
  before: { kind: 'StatefulSet', name: 'web', uid: 'uid-of-the-web-before', controller: true },
  orphan: undefined,
}

const podOf = (waiting: Waiting) =>
  fc
    .record({
      ordinal: fc.nat(20),
      owner: fc.constantFrom<keyof typeof owners>('own', 'own', 'own', 'ownOnly', 'other', 'before', 'orphan'),
      of: fc.constantFrom('new', 'old', 'older'),
      ready: fc.boolean(),
      deleting: fc.boolean(),
      phase: fc.constantFrom('Pending', 'Running', 'Failed', 'Succeeded'),
      waiting,
      restartCount: fc.nat(9),
      digest: fc.constantFrom('a', 'b', undefined),
    })
    .map(({ ordinal, owner, of, ready, deleting, phase, waiting, restartCount, digest }) => {
      const ownerReference = owners[owner]
      return rawPod({
        name: `web-${ordinal}`,
        revision: of,
        metadata: {
          uid: `${owner} ${of} ${ordinal}`,
          ownerReferences: ownerReference ? [ownerReference] : [],
          ...(deleting ? { deletionTimestamp: seconds(5) } : {}),
        },
        spec: { containers: [{ name: 'c0', image }] },
        status: {
          phase,
          conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', reason: 'ContainersNotReady' }],
          containerStatuses: [
            {
              name: 'c0',
              restartCount,
              ...(digest ? { imageID: `mirror.example.com/shop/web@sha256:${digest.repeat(64)}` } : {}),
              ...(waiting ? { state: { waiting } } : {}),
            },
          ],
        },
      })
    })

const object = statefulSet.strip(
  raw({
    spec: { replicas: 9, updateStrategy: { rollingUpdate: { partition: 2 } } },
    template: { containers: [{ name: 'c0', image: 'registry.example.com/shop/web:v2' }] },
    status: { observedGeneration: 2, updateRevision: 'new', currentRevision: 'old', updatedReplicas: 1 },
  }),
)

function view(raws: readonly unknown[], now = made + 1_000): Workload {
  const pods = raws.filter((each) => isOwn(each, revision)).map((each) => pod(each, revision))
  return workload(object, object.containers, { pods }, { now, since: made })
}

/** What depends on pods. */
const facts = ({ health, blockers, containers, unavailable }: Workload) => ({
  health,
  blockers,
  containers,
  unavailable,
})
const ownerOf = (uid: string) => uid.split(' ')[0]
const uidOf = (each: unknown) => (each as { metadata: { uid: string } }).metadata.uid

test('no foreign pod is judged, counted or deleted, and no pod of the present revision is deleted', async (t) => {
  const pods = fc.array(podOf(fc.option(fc.oneof(healing, hopeless), { nil: undefined })), { maxLength: 12 })
  fc.assert(
    fc.property(pods, (all) => {
      const own = all.filter((each) => ownerOf(uidOf(each)) === 'own')
      t.same(facts(view(all)), facts(view(own)))
      for (const { uid } of view(all).blockers) {
        const [owner, of, ordinal] = uid.split(' ')
        t.equal(owner, 'own')
        t.not(of, 'new')
        t.ok(Number(ordinal) >= 2)
      }
    }),
    { numRuns: 1_000 },
  )
})

const seconds100k = fc.nat(100_000)
const others = fc
  .array(podOf(hopeless), { maxLength: 4 })
  .map((all) => all.filter((each) => !uidOf(each).startsWith('own new')))

/** Whether other pods, or own pods of earlier revisions, are hopeless says nothing. */
const neverStuck = (t: Test, waiting: Waiting, after: fc.Arbitrary<number>) =>
  fc.assert(
    fc.property(fc.array(podOf(waiting), { maxLength: 6 }), others, after, (pods, more, time) => {
      t.not(view([...pods, ...more], made + time * 1_000).health.state, 'stuck')
    }),
    { numRuns: 1_000 },
  )

test('nothing is final that can heal, however long it takes', async (t) => neverStuck(t, healing, seconds100k))

test('nothing is final before it has had its time', async (t) => neverStuck(t, unclear, fc.nat(59)))

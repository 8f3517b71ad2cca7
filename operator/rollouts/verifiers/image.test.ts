import { test } from 'tap'
import { apiVersion } from '../../api/names.ts'
import { NeedsChangeError } from '../../errors.ts'
import type { Digest } from '../../images/digest.ts'
import { imageOf, object } from '../plan/plan.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { image } from './image.ts'
import { running, runOf, sourcesWith } from './verifier.fixture.ts'
import type { PodSight, Run } from './verifier.ts'

const digest = `sha256:${'c'.repeat(64)}` as Digest
const pods = '/api/v1/namespaces/shop/pods'
const smoke = { kind: 'Image', image: 'other.example.com:5000/qa/smoke', tag: 'v1' } as const
const none = { [pods]: { items: [] } }
const wantedOf = async (run: Run, answers: Readonly<Record<string, unknown>> = none) =>
  ((await image.observe(run, sourcesWith(answers).sources)) as PodSight).wanted

test('B10 the image of a check is looked up in its own repository', async (t) => {
  const asked: unknown[] = []
  const images = {
    digestOf: async (...all: unknown[]) => {
      asked.push(all[2], all[3])
      return digest
    },
  }
  const seen = await image.observe(runOf(smoke), sourcesWith(none, { images }).sources)
  t.same(asked, [{ host: 'other.example.com:5000', path: 'qa/smoke' }, 'v1'])
  t.match(seen, { wanted: { spec: { containers: [{ image: `other.example.com:5000/qa/smoke:v1@${digest}` }] } } })
})

test('B37 the pod of a check has a name by what it checks, an owner, a deadline, limits, and labels of its own', async (t) => {
  const wanted = await wantedOf(runOf({ ...smoke, timeoutSeconds: 90 }))
  t.match(wanted, {
    metadata: {
      namespace: 'shop',
      name: /^web-cv-smoke-[0-9a-f]{10}$/,
      ownerReferences: [
        {
          apiVersion,
          kind: 'ContainerVersion',
          name: 'web-cv',
          uid: object().uid,
          controller: true,
          blockOwnerDeletion: false,
        },
      ],
      annotations: { 'cvmanager.io/check-of': /check smoke of version v2, by ContainerVersion shop\/web-cv/ },
    },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: 90,
      containers: [{ resources: { limits: { cpu: '500m', memory: '256Mi' } } }],
    },
  })
  t.same(wanted?.metadata?.labels, { 'cvmanager.io/check': 'smoke', 'cvmanager.io/containerversion': 'web-cv' })
  const nameOf = async (given: Partial<Run>) => (await wantedOf(runOf(smoke, given)))?.metadata?.name
  const { rollout } = runOf(smoke)
  const names = await Promise.all([
    nameOf({}),
    nameOf({ rollout: { ...rollout, id: 'r2' } }),
    nameOf({ status: running({ name: 'other' }) }),
    nameOf({ status: running({ step: 'strategy' }) }),
    nameOf({ object: { ...object(), uid: 'another' } }),
  ])
  t.equal(new Set(names).size, 5, 'a restart finds it, and nothing else has its name')
  t.equal(await nameOf({}), names[0])
})

test('B43 long names are cut: of the pod, and of its label', async (t) => {
  const name = 'w'.repeat(250)
  const { metadata } = (await wantedOf(runOf(smoke, { object: { ...object(), name } }))) ?? {}
  t.match(metadata?.name, /^w{52}-[0-9a-f]{10}$/)
  t.equal(metadata?.labels?.['cvmanager.io/containerversion'], 'w'.repeat(63))
})

test('the pod satisfies Pod Security restricted, knows what it checks, and has no credentials', async (t) => {
  const { spec } = (await wantedOf(runOf(smoke))) ?? {}
  t.match(spec, {
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
  })
  t.equal(spec?.serviceAccountName, undefined)
  t.same(spec?.containers[0]?.env, [
    { name: 'NAMESPACE', value: 'shop' },
    { name: 'VERSION', value: 'v2' },
    { name: 'IMAGE', value: imageOf('v2') },
    { name: 'DIGEST', value: runOf(smoke).rollout.digest },
  ])
})

test('it is pulled with the secrets of the spec, or else of the workloads', async (t) => {
  const template = { containers: [{ name: 'web', image: imageOf('v1') }], imagePullSecrets: [{ name: 'of-pods' }] }
  const candidates = [{ object: deployment.strip(raw({ template })), containers: [] }]
  const secretsOf = async (given: Partial<Run>) => (await wantedOf(runOf(smoke, given)))?.spec?.imagePullSecrets
  t.same(await secretsOf({ candidates }), [{ name: 'of-pods' }])
  t.same(await secretsOf({ candidates, object: object({}, { imagePullSecrets: [{ name: 'named' }] }) }), [
    { name: 'named' },
  ])
})

test('an image that its registry does not have, or that is none, cannot be run', async (t) => {
  const missing = { digestOf: () => Promise.reject(new NeedsChangeError('TagNotFound', 'no tag v1')) }
  await t.rejects(image.observe(runOf(smoke), sourcesWith(none, { images: missing }).sources), { message: 'no tag v1' })
  await t.rejects(wantedOf(runOf({ ...smoke, image: 'Not An Image' })), { message: /is not a/ })
  await t.rejects(wantedOf(runOf({ ...smoke, tag: 'v1@x' })), { message: /is not a/ })
})

test('the digest is asked for once: not while there is a pod', async (t) => {
  const run = runOf(smoke)
  const { metadata, spec } = (await wantedOf(run)) ?? {}
  const answers = { [pods]: { items: [{ metadata: { ...metadata, uid: 'p' }, spec }] } }
  const images = { digestOf: () => Promise.reject(new Error('it is asked')) }
  t.match(await image.observe(run, sourcesWith(answers, { images }).sources), { pod: { uid: 'p' }, wanted: undefined })
})

test('pods of others are not its own, whatever their names and labels', async (t) => {
  const run = runOf(smoke)
  const { metadata, spec } = (await wantedOf(run)) ?? {}
  const others = [
    { metadata: { ...metadata, uid: 'stranger', ownerReferences: [] }, spec },
    { metadata: { ...metadata, uid: 'other', ownerReferences: [{ uid: 'another' }] }, spec },
  ]
  t.match(await image.observe(run, sourcesWith({ [pods]: { items: others } }).sources), {
    pod: undefined,
    leftovers: [],
  })
})

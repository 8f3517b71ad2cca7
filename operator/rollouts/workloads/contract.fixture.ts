/** Raw objects as the API server sends them, and the contract for what each kind makes of them. */
import type { Test } from 'tap'
import type { ApiClient } from '../../kubernetes/client.ts'
import { noPods } from './health.ts'
import { patchImages, patchSeenImages } from './image-patch.ts'
import { isWorkload } from './select.ts'
import { workload } from './view.ts'
import type { WorkloadKind } from './workload.ts'

interface Given {
  readonly metadata?: object
  readonly spec?: object
  readonly template?: object
  readonly status?: object
}

/** @param podTemplate where the kind has its pod template */
export function raw(
  { metadata = {}, spec = {}, template = {}, status = {} }: Given = {},
  podTemplate: readonly string[] = ['spec', 'template'],
): unknown {
  const pod = { containers: [{ name: 'web', image: 'r.example.com/web:v1' }], ...template }
  const inside = podTemplate.slice(1).reduceRight<object>((inner, key) => ({ [key]: inner }), { spec: pod })
  const selector = podTemplate.length === 2 ? { selector: { matchLabels: { app: 'web' } } } : {}
  return {
    metadata: {
      namespace: 'shop',
      name: 'web',
      uid: 'uid-of-web',
      resourceVersion: '7',
      generation: 2,
      labels: { cvapp: 'web' },
      ...metadata,
    },
    spec: { ...selector, ...(podTemplate.length === 0 ? pod : inside), ...spec },
    status,
  }
}

export interface Cases {
  /** A status in which all pods have the last change and are available. */
  readonly healthy: object
  /** The same, without pods wanted. */
  readonly empty: { readonly spec: object; readonly status: object }
  /** Not all pods updated, and updated but not available. */
  readonly updating: object
  readonly unavailable: object
}

/** The contract for every kind. */
export function kindContract(t: Test, kind: WorkloadKind): void {
  const strip = (given: Given) => kind.strip(raw(given, kind.podTemplate))

  t.test('keeps the fields in use of an object, and little else', async (t) => {
    const kept = strip({
      metadata: {
        managedFields: [{ manager: 'kubectl', operation: 'Update' }],
        annotations: { big: 'x'.repeat(9_000) },
      },
      template: { imagePullSecrets: [{ name: 'regcred' }], serviceAccountName: 'web' },
    })
    t.match(kept, {
      key: 'shop/web',
      kind: kind.kind,
      resourceVersion: '7',
      uid: 'uid-of-web',
      labels: { cvapp: 'web' },
      controlled: false,
      ended: false,
      deleting: false,
      containers: [{ name: 'web', image: 'r.example.com/web:v1' }],
      imagePullSecrets: ['regcred'],
      serviceAccountName: 'web',
      podSelector: kind.podTemplate.length === 2 ? 'app=web' : '',
      mustDisown: false,
    })
    t.ok(JSON.stringify(kept).length < 1_000, `${JSON.stringify(kept).length} characters`)
  })

  t.test(
    'B14 B36 what another object controls is no workload, by its UID; an owner alone changes nothing',
    async (t) => {
      const owned = (owner: object) =>
        isWorkload(strip({ metadata: { ownerReferences: [{ uid: 'uid-of-x', ...owner }] } }))
      t.equal(owned({ controller: true }), false)
      t.equal(owned({ controller: false }), true)
      t.equal(owned({}), true)
    },
  )

  t.test('B12 an image is patched where the kind has its containers, and nowhere else', async (t) => {
    const initContainers = [{ name: 'migrate', image: 'r.example.com/web:v1' }]
    const object = strip({ template: { initContainers } })
    const sent: unknown[] = []
    const client = {
      strategicPatch: async (_path: string, patch: object) => {
        sent.push(patch)
        return raw({}, kind.podTemplate)
      },
      jsonPatch: async (_path: string, operations: readonly { readonly path: string }[]) => {
        sent.push(operations.map(({ path }) => path))
        return raw({}, kind.podTemplate)
      },
    } as unknown as ApiClient
    const change = workload(object, object.containers, noPods, { now: 0, since: 0 }).changeTo('v2')
    await patchImages(client, change)
    await patchSeenImages(client, change)
    const images = {
      containers: [{ name: 'web', image: 'v2' }],
      initContainers: [{ name: 'migrate', image: 'v2' }],
    }
    const inTemplate = kind.podTemplate.reduceRight<object>((inner, key) => ({ [key]: inner }), { spec: images })
    const at = ['', ...kind.podTemplate, 'spec'].join('/')
    t.same(sent, [
      { ...inTemplate, metadata: { uid: 'uid-of-web', resourceVersion: '7' } },
      [
        '/metadata/uid',
        ...['name', 'image', 'image'].map((field) => `${at}/containers/0/${field}`),
        ...['name', 'image', 'image'].map((field) => `${at}/initContainers/0/${field}`),
      ],
    ])
  })

  t.test('knows when cvmanager owns fields of an object that another manager applies', async (t) => {
    const applied = { manager: 'helm', operation: 'Apply' }
    const ours = { manager: 'cvmanager', operation: 'Update' }
    const owners = (...managedFields: object[]) => strip({ metadata: { managedFields } }).mustDisown
    t.equal(owners(applied, ours), true)
    t.equal(owners(ours), false)
    t.equal(owners(applied), false)
    t.equal(owners({ ...applied, subresource: 'status' }, ours), false)
    t.equal(owners(applied, { ...ours, subresource: 'scale' }), true)
    t.equal(owners(applied, { ...ours, subresource: 'status' }), false)
  })
}

/** The contract for kinds whose controllers bring a change to all pods by themselves. */
export function rollingContract(t: Test, kind: WorkloadKind, { healthy, empty, updating, unavailable }: Cases): void {
  const health = (given: Given) => kind.strip(raw(given)).progress

  t.test(
    'B19 a change that its controller has not observed yet is not healthy, whatever the numbers say',
    async (t) => {
      t.match(health({ status: { ...healthy, observedGeneration: 1 } }), { state: 'waiting', reason: /not observed/ })
      t.match(health({ status: healthy }), { state: 'healthy' })
    },
  )

  t.test('B18 is not healthy before all pods are updated and available', async (t) => {
    t.match(health({ status: updating }), { state: 'waiting', reason: /updated|old pods/ })
    t.match(health({ status: unavailable }), { state: 'waiting', reason: /available/ })
    t.match(health({}), { state: 'waiting' }, 'without any status')
  })

  t.test('B51 is healthy with no pods where none are wanted', async (t) => {
    t.match(health(empty), { state: 'healthy' })
  })
}

/** Raw objects as the API server sends them, and the contract for what each kind makes of them. */
import type { Test } from 'tap'
import type { WorkloadKind } from './workload.ts'

interface Given {
  readonly metadata?: object
  readonly spec?: object
  readonly template?: object
  readonly status?: object
}

export function raw({ metadata = {}, spec = {}, template = {}, status = {} }: Given = {}): unknown {
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
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: 'web', image: 'r.example.com/web:v1' }], ...template } },
      ...spec,
    },
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
export function workloadContract(t: Test, kind: WorkloadKind, { healthy, empty, updating, unavailable }: Cases): void {
  const health = (given: Given) => kind.strip(raw(given)).progress

  t.test('keeps the fields in use of an object, and little else', async (t) => {
    const kept = kind.strip(
      raw({
        metadata: {
          managedFields: [{ manager: 'kubectl', operation: 'Update' }],
          annotations: { big: 'x'.repeat(9_000) },
        },
        template: { imagePullSecrets: [{ name: 'regcred' }], serviceAccountName: 'web' },
      }),
    )
    t.match(kept, {
      key: 'shop/web',
      kind: kind.kind,
      resourceVersion: '7',
      uid: 'uid-of-web',
      labels: { cvapp: 'web' },
      controlled: false,
      deleting: false,
      containers: [{ name: 'web', image: 'r.example.com/web:v1' }],
      imagePullSecrets: ['regcred'],
      serviceAccountName: 'web',
      podSelector: 'app=web',
      mustDisown: false,
    })
    t.ok(JSON.stringify(kept).length < 1_000, `${JSON.stringify(kept).length} characters`)
  })

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

  t.test('knows when cvmanager owns fields of an object that another manager applies', async (t) => {
    const applied = { manager: 'helm', operation: 'Apply' }
    const ours = { manager: 'cvmanager', operation: 'Update' }
    const owners = (...managedFields: object[]) => kind.strip(raw({ metadata: { managedFields } }))
    t.equal(owners(applied, ours).mustDisown, true)
    t.equal(owners(ours).mustDisown, false)
    t.equal(owners(applied).mustDisown, false)
    t.equal(owners({ ...applied, subresource: 'status' }, ours).mustDisown, false)
    t.equal(owners(applied, { ...ours, subresource: 'scale' }).mustDisown, false)
  })
}

/** The contract of every kind of check. To add a kind, add an example here. */
import { test } from 'tap'
import type { Check } from '../../api/checks.ts'
import { type CheckKind, checkKinds } from '../../api/names.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import { epoch, imageOf } from '../plan/plan.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { Requests } from './requests.ts'
import { verdictOf } from './verdict.ts'
import { running, runOf, sourcesWith } from './verifier.fixture.ts'
import { verifiers } from './verifiers.ts'

const found = raw({ template: { containers: [{ name: 'web', image: imageOf('v1') }] }, metadata: { name: 'web' } })
const object = deployment.strip(found)
const candidates = [{ object, containers: object.containers }]

const examples: Readonly<Record<CheckKind, Check>> = {
  Image: { kind: 'Image', image: 'registry.example.com/shop/smoke', tag: 'v1' },
  Command: { kind: 'Command', command: ['./migrate'] },
  HTTP: { kind: 'HTTP', http: { service: 'web' } },
}

const api = {
  '/api/v1/namespaces/shop/pods': { items: [] },
  '/apis/apps/v1/namespaces/shop/deployments/web': found,
  '/api/v1/namespaces/shop/services/web': {
    spec: { clusterIP: '10.96.0.7', selector: { app: 'web' }, ports: [{ port: 80 }] },
  },
  '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices': { items: [] },
}

for (const kind of checkKinds) {
  const check = examples[kind]
  const run = runOf(check, { candidates })
  const { observe } = verifiers[kind]
  const requests = new Requests({ version: '0', hosts: [], timeoutMs: 300 })

  test(`${kind}: it reads without changing anything, and what it sees leads to a verdict`, async (t) => {
    const copy = structuredClone(run)
    const sight = await observe(run, sourcesWith(api, { requests }).sources)
    t.same(run, copy)
    const given = { check, status: run.status, refused: undefined, now: run.now }
    const frozen = structuredClone([given, sight])
    const first = verdictOf(given, sight)
    t.same(verdictOf(given, sight), first, 'the same again: it has no memory and no clock')
    t.same([given, sight], frozen)
    t.ok(first.status.state !== 'Running' || first.lookAgainAt > run.now, 'it says when to look again')
  })

  test(`${kind}: it ends by its timeout, whatever is seen`, async (t) => {
    const late = { ...run, now: epoch + 3_600_000 }
    const sight = await observe(late, sourcesWith(api, { requests }).sources)
    const { status, changes } = verdictOf(
      { check, status: running({ kind }), refused: undefined, now: late.now },
      sight,
    )
    t.match(status, { state: /^(Failed|Error)$/, endTime: String, message: /./ })
    t.same(changes, [])
  })

  test(`${kind}: an API server that is away is no verdict about the version`, async (t) => {
    const away = new ApiError(503, 'ServiceUnavailable', 'it is away')
    const answers = Object.fromEntries(Object.keys(api).map((path) => [path, away]))
    await t.rejects(observe(run, sourcesWith(answers, { requests }).sources), { name: 'ApiError' })
  })
}

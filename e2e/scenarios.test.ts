/** All scenarios, side by side, on one real control plane with one cvmanager. */
import t from 'tap'
import { startRegistry } from './harness/registry.ts'
import { startBed } from './scenario/bed.ts'
import { access } from './scenario/cases/access.ts'
import { admission } from './scenario/cases/admission.ts'
import { blueGreen } from './scenario/cases/blue-green.ts'
import { changesOfMind } from './scenario/cases/changes-of-mind.ts'
import { checks } from './scenario/cases/checks.ts'
import { drift } from './scenario/cases/drift.ts'
import { faults } from './scenario/cases/faults.ts'
import { helm } from './scenario/cases/helm.ts'
import { httpChecks } from './scenario/cases/http-checks.ts'
import { kinds } from './scenario/cases/kinds.ts'
import { log } from './scenario/cases/log.ts'
import { metrics } from './scenario/cases/metrics.ts'
import { names } from './scenario/cases/names.ts'
import { obstacles } from './scenario/cases/obstacles.ts'
import { order } from './scenario/cases/order.ts'
import { pods } from './scenario/cases/pods.ts'
import { readers } from './scenario/cases/readers.ts'
import { refusals } from './scenario/cases/refusals.ts'
import { rollbacks } from './scenario/cases/rollbacks.ts'
import { rollouts } from './scenario/cases/rollouts.ts'
import { singleKinds } from './scenario/cases/single-kinds.ts'
import { tenants } from './scenario/cases/tenants.ts'
import { units } from './scenario/cases/units.ts'
import { versions } from './scenario/cases/versions.ts'
import { views } from './scenario/cases/views.ts'
import { rightsAreThoseUsed } from './scenario/rights.ts'
import type { AddTest } from './scenario/scenario.ts'

const bed = await startBed(t)
const [basic, token, ofTenants, throttling] = await Promise.all([
  startRegistry({ auth: 'basic' }),
  startRegistry({ auth: 'token' }),
  startRegistry({ auth: 'token' }),
  startRegistry(),
])
const registries = [basic, token, ofTenants, throttling]
t.teardown(() => Promise.all(registries.map((registry) => registry.stop())))
const operator = await bed.operator({ registries: [bed.registry, ...registries] })
await operator.isAtWork()

/** A scenario mostly waits for the next poll. */
t.jobs = 14
const all: Promise<unknown>[] = []
const test: AddTest = (name, body) => all.push(t.test(name, { buffered: true }, body))
rollouts(test, bed)
rollbacks(test, bed)
blueGreen(test, bed)
// The scenarios with the longest waits come early.
checks(test, bed)
httpChecks(test, bed)
access(test, bed, { basic, token })
tenants(test, bed, ofTenants)
pods(test, bed)
refusals(test, bed)
faults(test, bed, throttling)
log(test, bed, operator)
metrics(test, bed, operator)
readers(test, bed, operator)
obstacles(test, bed)
drift(test, bed)
units(test, bed)
order(test, bed)
kinds(test, bed)
singleKinds(test, bed)
changesOfMind(test, bed)
versions(test, bed)
names(test, bed)
helm(test, bed)
views(test, bed)
admission(test, bed)
await Promise.all(all)

await t.test('S2 deploy/rbac.yaml grants what the scenarios have used, and nothing more', (t) =>
  rightsAreThoseUsed(t, bed, ['get core/secrets']),
)

await t.test('it is still the same process, and it stops within 3 s', async (t) => {
  await operator.program.assertRunning()
  t.ok((await operator.stop('SIGTERM')) < 3_000)
  t.equal(operator.program.outcome, 'ended with status 0')
})

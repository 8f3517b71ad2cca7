/** Runs the contract for every kind of registry in each of its access modes. */
import t from 'tap'
import { registryKinds } from '../registries.ts'
import { registryContract } from './contract.ts'
import { contractRuns } from './contract-runs.fixture.ts'

t.test('the contract runs for every kind of registry', async (t) => {
  t.same(
    Object.keys(contractRuns),
    registryKinds.map(({ kind }) => kind),
    'contract-runs.fixture.ts has them all',
  )
  for (const [kind, runs] of Object.entries(contractRuns)) t.ok(runs.length > 0, kind)
})

for (const [kind, runs] of Object.entries(contractRuns)) {
  for (const [at, { as, start }] of runs.entries()) {
    t.test(`the contract, over ${kind}: ${as}`, async (t) => {
      const bench = await start(t)
      t.equal(bench.registry.kind, kind)
      // Pushing a thousand tags takes a second, and pages do not depend on the access mode.
      await registryContract(t, at === 0 ? bench : { ...bench, manyTags: 30 })
    })
  }
}

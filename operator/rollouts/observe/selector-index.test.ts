import fc from 'fast-check'
import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import { Cache } from '../../kubernetes/cache.ts'
import { object } from '../plan/plan.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { selects } from '../workloads/select.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import { World } from './selector-index.ts'

const rethrow = (error: unknown) => {
  throw error
}

let resourceVersion = 100

const selecting = (name: string, selector: Record<string, string>): ContainerVersion => ({
  ...object({}, { selector }),
  key: `shop/${name}`,
  name,
  resourceVersion: String(++resourceVersion),
})

const labelled = (name: string, labels: Record<string, string>): WorkloadObject =>
  deployment.strip(raw({ metadata: { name, labels, resourceVersion: String(++resourceVersion) } }))

function world() {
  const objects = new Cache<ContainerVersion>(rethrow)
  const workloads = new Cache<WorkloadObject>(rethrow)
  const told: string[] = []
  return { objects, workloads, told, world: new World(objects, [workloads], (key) => told.push(key)) }
}

const namesOf = (found: readonly WorkloadObject[]) => found.map(({ name }) => name)

test('a workload is told to whom it belongs, when it comes, changes, loses its label and goes', async (t) => {
  const { objects, workloads, told, world: it } = world()
  objects.update(selecting('web-cv', { cvapp: 'web' }))
  objects.update(selecting('api-cv', { cvapp: 'api' }))
  told.length = 0
  workloads.update(labelled('web', { cvapp: 'web' }))
  t.same(told, ['shop/web-cv'])
  t.same(namesOf(it.workloadsOf('shop/web-cv')), ['web'])
  workloads.update(labelled('web', { cvapp: 'api' }))
  t.same(told.slice(1).sort(), ['shop/api-cv', 'shop/web-cv'])
  t.same(namesOf(it.workloadsOf('shop/web-cv')), [])
  workloads.delete('shop/web', String(++resourceVersion))
  t.same(namesOf(it.workloadsOf('shop/api-cv')), [])
})

test('who shares a workload is told when the other comes, and when it goes', async (t) => {
  const { objects, workloads, told, world: it } = world()
  workloads.update(labelled('web', { cvapp: 'web', tier: 'front' }))
  objects.update(selecting('one', { cvapp: 'web' }))
  told.length = 0
  objects.update(selecting('two', { tier: 'front' }))
  t.same(told, ['shop/one'])
  objects.delete('shop/two', String(++resourceVersion))
  t.same(told, ['shop/one', 'shop/one'])
  const [web] = it.workloadsOf('shop/one')
  t.same(web && it.ownersOf(web).map(({ name }) => name), ['one'])
})

test('B40 what was deleted belongs to nobody, and asking for it is no crash', async (t) => {
  const { world: it } = world()
  t.same(it.workloadsOf('shop/gone'), [])
  t.equal(it.find('shop', 'Deployment', 'gone'), undefined)
})

test('whatever the order of changes, the index says what a scan of everything would say', async (t) => {
  const label = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2'), { minKeys: 1 })
  const name = fc.constantFrom('x', 'y', 'z')
  const change = fc.record({ what: fc.constantFrom('object', 'workload'), name, labels: label, gone: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const { objects, workloads, world: it } = world()
      for (const { what, name: called, labels, gone } of changes) {
        const cache = what === 'object' ? objects : workloads
        if (gone) cache.delete(`shop/${called}`, String(++resourceVersion))
        else if (what === 'object') objects.update(selecting(called, labels))
        else workloads.update(labelled(called, labels))
      }
      return [...objects.values()].every(({ key, spec }) => {
        const scanned = [...workloads.values()].filter((workload) => selects(spec.selector, workload))
        return namesOf(it.workloadsOf(key)).join() === namesOf(scanned).sort().join()
      })
    }),
    { numRuns: 300 },
  )
  t.pass()
})

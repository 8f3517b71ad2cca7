import fc from 'fast-check'
import { test } from 'tap'
import type { ContainerVersion } from '../../api/container-version.ts'
import { Cache } from '../../kubernetes/cache.ts'
import { object } from '../plan/plan.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import { selects } from '../workloads/select.ts'
import type { WorkloadObject } from '../workloads/workload.ts'
import { SelectorIndex } from './selector-index.ts'

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

function indexed() {
  const objects = new Cache<ContainerVersion>(rethrow)
  const workloads = new Cache<WorkloadObject>(rethrow)
  const changed: string[] = []
  return { objects, workloads, changed, index: new SelectorIndex(objects, [workloads], (key) => changed.push(key)) }
}

const namesOf = (found: readonly WorkloadObject[]) => found.map(({ name }) => name)

test('the ContainerVersions of a workload hear of its arrival, its changes, a lost label and its end', async (t) => {
  const { objects, workloads, changed, index } = indexed()
  objects.update(selecting('web-cv', { cvapp: 'web' }))
  objects.update(selecting('api-cv', { cvapp: 'api' }))
  changed.length = 0
  workloads.update(labelled('web', { cvapp: 'web' }))
  t.same(changed, ['shop/web-cv'])
  t.same(namesOf(index.workloadsOf('shop/web-cv')), ['web'])
  workloads.update(labelled('web', { cvapp: 'api' }))
  t.same(changed.slice(1).sort(), ['shop/api-cv', 'shop/web-cv'])
  t.same(namesOf(index.workloadsOf('shop/web-cv')), [])
  workloads.delete('shop/web', String(++resourceVersion))
  t.same(namesOf(index.workloadsOf('shop/api-cv')), [])
})

test('ContainerVersions that share a workload hear when the other arrives and when it goes', async (t) => {
  const { objects, workloads, changed, index } = indexed()
  workloads.update(labelled('web', { cvapp: 'web', tier: 'front' }))
  objects.update(selecting('one', { cvapp: 'web' }))
  changed.length = 0
  objects.update(selecting('two', { tier: 'front' }))
  t.same(changed, ['shop/one'])
  objects.delete('shop/two', String(++resourceVersion))
  t.same(changed, ['shop/one', 'shop/one'])
  const [web] = index.workloadsOf('shop/one')
  t.same(web && index.ownersOf(web).map(({ name }) => name), ['one'])
})

test('B40 a deleted object belongs to nobody, and a question about it is no crash', async (t) => {
  const { index } = indexed()
  t.same(index.workloadsOf('shop/gone'), [])
  t.equal(index.find('shop', 'Deployment', 'gone'), undefined)
})

test('in whatever order changes come, the index agrees with a scan of everything', async (t) => {
  const label = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2'), { minKeys: 1 })
  const name = fc.constantFrom('x', 'y', 'z')
  const change = fc.record({ what: fc.constantFrom('object', 'workload'), name, labels: label, gone: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const { objects, workloads, index } = indexed()
      for (const { what, name: called, labels, gone } of changes) {
        const cache = what === 'object' ? objects : workloads
        if (gone) cache.delete(`shop/${called}`, String(++resourceVersion))
        else if (what === 'object') objects.update(selecting(called, labels))
        else workloads.update(labelled(called, labels))
      }
      return [...objects.values()].every(({ key, spec }) => {
        const scanned = [...workloads.values()].filter((workload) => selects(spec.selector, workload))
        return namesOf(index.workloadsOf(key)).join() === namesOf(scanned).sort().join()
      })
    }),
    { numRuns: 300 },
  )
  t.pass()
})

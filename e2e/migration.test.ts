/** From the program of 2018 to this one, on a cluster that it was installed in. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { convertedObjects } from './scenario/cases/converted-objects.ts'
import { movedByThePage } from './scenario/cases/moved-by-the-page.ts'
import { movedCluster } from './scenario/cases/moved-cluster.ts'
import { oldDefinitions } from './scenario/old-program.ts'

const bed = await startBed(t)

await t.test(
  'the API server takes the old definitions, which are of a protected group, only with a note',
  async (t) => {
    await t.rejects(bed.cluster.apply(...oldDefinitions({})), /protected groups must have approval annotation/)
    await bed.cluster.apply(...oldDefinitions())
    for (const plural of ['containerversions', 'kcds']) await bed.cluster.established(`${plural}.custom.k8s.io`)
  },
)
await t.test('objects are converted', (t) => convertedObjects(t, bed))
await t.test('a cluster is moved', (t) => movedCluster(t, bed))
await t.test('the page leads from the old program to this one', (t) => movedByThePage(t, bed))

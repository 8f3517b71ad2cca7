/** What shells and kubectl complete, with the names of a real cluster. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { completion } from './scenario/cases/completion.ts'

const bed = await startBed(t)
await t.test('completion with the names of the cluster', (t) => completion(t, bed))

/** cvmanager updates itself: its own Deployment follows a tag, and each of its pods is a process of the bundle. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { selfUpdate } from './scenario/cases/self-update.ts'

const bed = await startBed(t)
await t.test('cvmanager rolls itself out', (t) => selfUpdate(t, bed))

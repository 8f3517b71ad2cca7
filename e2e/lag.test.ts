/** R1 R2 Views that are late or old, and events that were lost between two writes. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { lateViews } from './scenario/cases/late-views.ts'
import { lostEvents } from './scenario/cases/lost-events.ts'

const bed = await startBed(t)
/** Each has its own cvmanager, and mostly waits. */
t.jobs = 5
await Promise.all([...lateViews(t, bed), ...lostEvents(t, bed)])

/** R1 R2 R5 Views that are late or old, events that were lost between two writes, and writes in conflict. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { conflicts } from './scenario/cases/conflicts.ts'
import { lateViews } from './scenario/cases/late-views.ts'
import { lostEvents } from './scenario/cases/lost-events.ts'

const bed = await startBed(t)
/** Each has its own cvmanager, and mostly waits. */
t.jobs = 6
await Promise.all([conflicts(t, bed), ...lateViews(t, bed), ...lostEvents(t, bed)])

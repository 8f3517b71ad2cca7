/** cvmanager as a process: its commands, its load when idle, and what happens when it or a service that it needs stops. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { away } from './scenario/cases/away.ts'
import { commands } from './scenario/cases/commands.ts'
import { idle } from './scenario/cases/idle.ts'
import { replicas } from './scenario/cases/replicas.ts'

const bed = await startBed(t)

t.jobs = 2
await Promise.all([
  t.test('commands', { buffered: true }, (t) => commands(t, bed)),
  t.test('an idle cvmanager', { buffered: true }, (t) => idle(t, bed)),
])
await t.test('services that cvmanager needs go away', (t) => away(t, bed))
await t.test('replicas', (t) => replicas(t, bed))

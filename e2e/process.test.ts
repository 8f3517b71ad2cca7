/** cvmanager as a process: its commands, its requests while idle, and outages of the process and of what it needs. */
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
await t.test('outages of what cvmanager needs', (t) => away(t, bed))
await t.test('replicas', (t) => replicas(t, bed))

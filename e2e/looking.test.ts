/** What people and CI look with: `cv wait`, `cv status`, `cv reconcile`, as a user runs them, and the annotation behind them. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { reconciling } from './scenario/cases/reconciling.ts'
import { status } from './scenario/cases/status.ts'
import { waiting } from './scenario/cases/waiting.ts'
import { waitingAlone } from './scenario/cases/waiting-alone.ts'
import type { AddTest } from './scenario/scenario.ts'

const bed = await startBed(t)
const operator = await bed.operator()
await operator.isAtWork()

t.jobs = 6
const all: Promise<unknown>[] = []
const test: AddTest = (name, body) => all.push(t.test(name, { buffered: true }, body))
waiting(test, bed)
reconciling(test, bed)
status(test, bed)
await Promise.all(all)

t.jobs = 1
await t.test('without cvmanager, and while the API server is away', (t) => waitingAlone(t, bed, operator))

/** cvmanager beside what is there already, an installation of 2018 or another cvmanager, and beside what is missing. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { missingRights } from './scenario/cases/missing-rights.ts'
import { oldInstallation } from './scenario/cases/old-installation.ts'
import { oneLeader } from './scenario/cases/one-leader.ts'

const bed = await startBed(t)

await t.test('an installation of 2018', (t) => oldInstallation(t, bed))
await t.test('one leader', (t) => oneLeader(t, bed))
await t.test('what is missing', (t) => missingRights(t, bed))

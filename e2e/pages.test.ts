/** The pages of cvmanager in a real browser, open to anyone; and `cv get` for whoever kubectl works for. */
import t from 'tap'
import { startBed } from './scenario/bed.ts'
import { kubectlUsers } from './scenario/cases/kubectl-users.ts'
import { pages } from './scenario/cases/pages.ts'

const bed = await startBed(t)
const operator = await bed.operator({ flags: ['--anonymous-reads'] })
await operator.isAtWork()

t.jobs = 2
await Promise.all([
  t.test('pages', { buffered: true }, (t) => pages(t, bed, operator)),
  t.test('cv get works for whoever kubectl works for', { buffered: true }, (t) => kubectlUsers(t, bed)),
])

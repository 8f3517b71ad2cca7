/** The log has one line for each event, whatever becomes of the event. */
import { test } from 'tap'
import { ApiError } from '../../kubernetes/api-error.ts'
import { imageOf, object, observation, offers, workload } from '../plan/plan.fixture.ts'
import { plan } from '../plan/plan.ts'
import { Bench, type Line } from './act.fixture.ts'

const running = (version: string) => [workload('web', [{ name: 'web', image: imageOf(version) }])]

const reconcile = (bench: Bench, workloads: ReturnType<typeof running>) =>
  bench.act(plan(observation({ object: bench.object, offer: offers('v2'), workloads })))

/** Rolls v2 out, and sees that it has succeeded. */
async function rollOut(bench: Bench): Promise<void> {
  await reconcile(bench, running('v1'))
  await lookAgain(bench)
}

async function lookAgain(bench: Bench): Promise<void> {
  for (let times = 0; times < 3; times++) await reconcile(bench, running('v2'))
}

const told = ({ lines }: Bench) =>
  lines.filter(({ level }) => level !== 'debug').map(({ level, reason, from, to }) => [level, reason, from, to])

const story = [
  ['info', 'RolloutStarted', 'v1', 'v2'],
  ['info', 'RolloutSucceeded', 'v1', 'v2'],
]

test('each event is one line, with the object, the reason and the versions', async (t) => {
  const bench = new Bench(object())
  await rollOut(bench)
  t.same(told(bench), story)
  t.match(bench.lines.at(-1), {
    namespace: 'shop',
    containerVersion: 'web-cv',
    message: /^v2 \(sha256:.* is rolled out and healthy/,
  })
})

test('the patch of a workload is a line for debugging, and says which step of which rollout it is', async (t) => {
  const bench = new Bench(object())
  await rollOut(bench)
  t.match(
    bench.lines.filter(({ level }) => level === 'debug'),
    [
      {
        message: 'patched a workload',
        namespace: 'shop',
        containerVersion: 'web-cv',
        rollout: bench.object.status.rollouts?.[0]?.id,
        from: 'v1',
        to: 'v2',
        workload: 'Deployment/web',
      },
    ],
  )
})

test('after a restart, events that are there already are no second line', async (t) => {
  const bench = new Bench(object())
  await rollOut(bench)
  bench.restart()
  await lookAgain(bench)
  t.same(told(bench), story)
})

test('events that nobody may write are lines all the same, once, with what keeps them from being written', async (t) => {
  const bench = new Bench(object())
  const forbidden = new ApiError(403, 'Forbidden', 'events is forbidden')
  bench.refuse = (request) => (request === 'POST events' ? forbidden : undefined)
  await rollOut(bench)
  await lookAgain(bench)
  const isAboutRefusal = ({ error }: Line) => error === forbidden
  t.same(
    bench.lines.filter(isAboutRefusal).map(({ reason, message }) => [reason, message]),
    ['RolloutStarted', 'RolloutSucceeded'].map((reason) => [reason, 'the event cannot be written']),
  )
  bench.lines.splice(0, bench.lines.length, ...bench.lines.filter((line) => !isAboutRefusal(line)))
  t.same(told(bench), story)
})

test('an event that is written at the second try is one line', async (t) => {
  const bench = new Bench(object())
  bench.refuse = (request) => (request === 'POST events' ? new ApiError(503, 'Unavailable', 'not ready') : undefined)
  await rollOut(bench)
  bench.refuse = () => undefined
  await lookAgain(bench)
  t.same(
    told(bench).filter(([level]) => level === 'info'),
    story,
  )
  t.equal(bench.events.length, 4, 'two events, each on the object and on its workload')
})

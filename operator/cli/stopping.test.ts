import { test } from 'tap'
import { spawned } from './spawned.fixture.ts'

const fixture = './cli.fixture.ts'

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`B23 on ${signal}, run stops and exits with 0 even if a connection is open`, async (t) => {
    const { child, said, ended } = spawned(t, fixture, ['run'])
    await said('fixture: started')
    const before = Date.now()
    child.kill(signal)
    const { status, stderr } = await ended
    t.equal(status, 0)
    t.ok(Date.now() - before < 3000, 'within three seconds')
    t.match(stderr, 'cvmanager has stopped')
  })
}

test('B23 a stop that hangs ends after --shutdown-seconds, with exit status 1', async (t) => {
  const { child, said, ended } = spawned(t, fixture, ['run', '--shutdown-seconds', '1'], { FIXTURE: 'hangs' })
  await said('fixture: started')
  child.kill('SIGTERM')
  const { status, stderr } = await ended
  t.equal(status, 1)
  t.match(stderr, 'not all of it stopped within 1 s')
})

test('B23 a second signal ends the process at once', async (t) => {
  const { child, said, ended } = spawned(t, fixture, ['run', '--shutdown-seconds', '60'], { FIXTURE: 'hangs' })
  await said('fixture: started')
  child.kill('SIGINT')
  await said('cvmanager is stopping')
  child.kill('SIGINT')
  t.equal((await ended).status, 130)
})

test('B23 a signal during a start that waits for the API server exits with 0', async (t) => {
  const { child, said, ended } = spawned(t, fixture, ['run'], { FIXTURE: 'starts-late' })
  await said('fixture: started')
  child.kill('SIGTERM')
  t.equal((await ended).status, 0)
})

test('B24 if the controller ends by itself, the process prints the reason and exits with 1', async (t) => {
  const { status, stderr } = await spawned(t, fixture, ['run'], { FIXTURE: 'dies' }).ended
  t.equal(status, 1)
  t.match(stderr, 'the watch is dead')
  t.notMatch(stderr, '    at ')
})

test('B25 SIGTERM interrupts cr sync', async (t) => {
  const { child, said, ended } = spawned(t, fixture, ['cr', 'sync', '--namespace', 'shop', '--cv', 'web-cv'])
  await said('fixture: follows')
  child.kill('SIGTERM')
  t.equal((await ended).status, 0)
})

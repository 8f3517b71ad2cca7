/** The names of the first cvmanager, received as a statsd receives them. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Problem } from '../commands/tags/commands.ts'
import type { Polled } from '../discovery/polling/poller.ts'
import type { PlannedEvent } from '../rollouts/plan/events.ts'
import { Statsd } from './statsd.ts'

type Provider = 'datadog' | 'statsd'

/** The lines that reach a listener. */
async function received(t: Test, statsProvider: Provider, send: (statsd: Statsd) => void): Promise<readonly string[]> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const lines: string[] = []
  const end = new Promise<void>((resolve) => {
    socket.on('message', (datagram) => {
      lines.push(...datagram.toString().trimEnd().split('\n'))
      if (lines.at(-1) === 'cvmanagercvc.the/end.sync.success:1|c') resolve()
    })
  })
  const { port } = socket.address() as AddressInfo
  const fail = (error: Error) => t.fail(error.message)
  const statsd = await Statsd.open({ statsProvider, statsHost: `127.0.0.1:${port}` }, fail, {})
  if (!statsd) throw new Error('the settings ask for it')
  send(statsd)
  statsd.reconciled('the/end', false)
  await statsd.close()
  await end
  return lines.slice(0, -1)
}

const web = { kind: 'Deployment', name: 'web', uid: 'a' }
const event = (type: PlannedEvent['type'], reason: string, more: Partial<PlannedEvent> = {}): PlannedEvent => ({
  ...{ type, reason, message: 'v2 failed', id: 'r1', workloads: [web] },
  ...more,
})
const polled = (host: string, outcome: Polled['outcome']) =>
  ({ target: { kind: 'tag', repository: { host, path: 'shop/web' } }, outcome }) as const
const problem = (tag?: string): Problem => ({
  ...{ repository: 'shop/web', reason: 'TagImmutable', message: '', notFound: false },
  tag,
})

function sendAll(statsd: Statsd): void {
  statsd.reconciled('shop/web-cv', false)
  statsd.reconciled('shop/web-cv', true)
  statsd.event({ name: 'web-cv' }, event('Normal', 'RolloutSucceeded'))
  statsd.event({ name: 'web-cv' }, event('Warning', 'RolledBack'))
  statsd.event({ name: 'web-cv' }, event('Warning', 'RolloutFailed'))
  statsd.event({ name: 'web-cv' }, event('Warning', 'HistoryNotWritten', { about: 'web', workloads: [] }))
  statsd.polled(polled('registry.example.com', 'unchanged'))
  statsd.polled(polled('registry.example.com', 'failed'))
  statsd.polled(polled('123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'failed'))
  statsd.tagsFailed('batchget', [problem()])
  statsd.tagsFailed('putimage', [problem('env-prod')])
  statsd.tagsFailed('batchdelete', [problem('env-prod')])
  statsd.check('cvmanager', true)
  statsd.check('crsync', false)
}

t.test('Datadog gets every name that the first cvmanager sent, and its tags', async (t) => {
  t.same(await received(t, 'datadog', sendAll), [
    'cvmanagercvc.shop/web-cv.sync.success:1|c',
    'cvmanagercvc.web-cv.sync.failure:1|c|#env:shop',
    'crsync.web-cvcrsyn.web.sync.success:1|c',
    '_e{22,9}:web.sync.failure.event|v2 failed|t:error',
    'crsync.web-cvcrsyn.web.history.save.failure:1|c',
    'registry.shop/web.sync.failure:1|c|#badsha',
    'registry.shop/web.sync.failure:1|c|#badsha',
    'ecr.descimg.shop/web.failure:1|c',
    'registry.batchget.shop/web.failure:1|c',
    'registry.putimage.shop/web.failure:1|c',
    'registry.batchdelete.shop/web.failure:1|c',
    '_sc|cvmanager.exec.sc|0',
    '_sc|crsync.exec.sc|2',
  ])
})

t.test('a plain statsd gets the counters alone', async (t) => {
  const lines = await received(t, 'statsd', sendAll)
  t.equal(lines.length, 10)
  for (const line of lines) t.match(line, /^[\w./-]+:1\|c$/)
})

t.test('nothing is opened unless the settings ask for it, and STATS_HOST is where it goes by default', async (t) => {
  t.equal(await Statsd.open({ statsProvider: 'none', statsHost: '10.0.0.1' }, t.fail), undefined)
  const errors: Error[] = []
  const env = { STATS_HOST: 'not-there.invalid' }
  const statsd = await Statsd.open({ statsProvider: 'statsd', statsHost: '' }, (error) => errors.push(error), env)
  statsd?.reconciled('shop/web', false)
  await statsd?.close()
  t.match(errors.map(String).join(), 'not-there.invalid')
})

t.test('an address that cannot be used is named, with where it may come from', async (t) => {
  const open = (statsHost: string, env = {}) =>
    Statsd.open({ statsProvider: 'statsd', statsHost }, (error) => t.fail(error.message), env)
  for (const opening of [open('', { STATS_HOST: '10.0.0.1:8125:x' }), open('statsd:99999')])
    await t.rejects(opening, {
      name: 'UsageError',
      message: /"(10\.0\.0\.1:8125:x|statsd:99999)".* --stats-host .* STATS_HOST/,
    })
})

import fc from 'fast-check'
import { test } from 'tap'
import { NeedsChangeError } from '../errors.ts'
import { createLogger, type LogOptions } from './log.ts'

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const to = { write: (line: string) => void lines.push(line) }
  return { lines, log: createLogger({ logLevel: 'info', logFormat: 'json', to, isTerminal: false, ...options }) }
}

test('a line is one JSON object with the time, the level, the message and the fields', async (t) => {
  const { lines, log } = capture()
  log.child({ cv: 'shop/web-cv' }).info({ version: '1a2b3c4' }, 'rolled out')
  log.debug('not asked for')
  t.equal(lines.length, 1)
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 'info',
    msg: 'rolled out',
    cv: 'shop/web-cv',
    version: '1a2b3c4',
    time: /Z$/,
  })
})

test('fields with secret names are redacted at any depth, in children, arrays and cycles', async (t) => {
  const { lines, log } = capture()
  const cycle: Record<string, unknown> = { password: 's3cret-value' }
  cycle.self = cycle
  log.child({ registryToken: 's3cret-value' }).warn(
    {
      Authorization: 's3cret-value',
      credentials: [{ kind: 'basic', username: 'ci', password: 's3cret-value' }],
      config: { auths: { 'registry.example.com': { auth: 's3cret-value', identitytoken: 's3cret-value' } } },
      headers: { 'x-registry-auth': 's3cret-value', 'set-cookie': ['s3cret-value'] },
      cycle,
    },
    'look',
  )
  t.notMatch(lines.join(), 's3cret-value')
  t.match(lines.join(), '"username":"ci"')
})

test('fields that only sound like secrets stay', async (t) => {
  const { lines, log } = capture()
  log.info({ tokens: 5, pullSecret: 'shop/regcred', passwordGiven: true, anonymous: { token: null } })
  t.match(JSON.parse(lines[0] ?? ''), {
    tokens: 5,
    pullSecret: 'shop/regcred',
    passwordGiven: true,
    anonymous: { token: null },
  })
})

test('secrets in a message or an error are redacted', async (t) => {
  const { lines, log } = capture({ logLevel: 'debug' })
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzM2NyZXQifQ.c2lnbmF0dXJl'
  log.info('GET with Authorization: Basic Y2k6czNjcmV0LXZhbHVl was refused')
  log.info('the registry answered {"token": "s3cret", "auth":"s3cret", "n": 1}')
  log.info(`token ${jwt} and https://ci:hunter22@registry.example.com/v2/?access_token=hunter22`)
  const error = Object.assign(new Error(`Bearer ${jwt}`), { config: { headers: { authorization: 'hunter22' } } })
  log.error(error, 'failed')
  log.error({ error }, 'failed')
  for (const secret of ['Y2k6czNjcmV0', 's3cret', 'hunter22', 'eyJ']) t.notMatch(lines.join(), secret)
  t.match(lines.join(), 'registry.example.com/v2/')
})

test('the challenge of a registry is not a secret and stays readable', async (t) => {
  const { lines, log } = capture()
  log.info('Www-Authenticate: Bearer realm=https://auth.example.com/token,service=registry')
  t.match(lines.join(), 'realm=https://auth.example.com/token')
})

test('an error is logged with its reason and cause, and with its stack only at level debug', async (t) => {
  const error = new NeedsChangeError('TagNotFound', 'no tag env-prod', { cause: new Error('404') })
  const info = capture()
  info.log.error(error)
  t.match(JSON.parse(info.lines[0] ?? ''), {
    error: { reason: 'TagNotFound', message: 'no tag env-prod', cause: '404' },
  })
  t.notMatch(info.lines.join(), 'log.test.ts')
  const debug = capture({ logLevel: 'debug' })
  debug.log.error(error)
  t.match(debug.lines.join(), 'log.test.ts')
})

test('on a terminal, a line is for people and cannot control the terminal', async (t) => {
  const { lines, log } = capture({ logFormat: 'auto', isTerminal: true, colors: false })
  log.warn({ cv: 'shop/web-cv', message: 'two words' }, 'slow \u001b[2J registry')
  t.match(lines[0], /^\d\d:\d\d:\d\d WARN {2}slow {2}\[2J registry cv=shop\/web-cv message="two words"\n$/)
  log.error(new Error('boom'))
  t.match(lines[1], /ERROR boom\n {4}boom\n$/)
})

test('colours are optional', async (t) => {
  const { lines, log } = capture({ logFormat: 'pretty', colors: true })
  log.error('red')
  t.match(lines[0], '\u001b[31mERROR\u001b[0m red')
})

test('no text in any field breaks the line of JSON', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.object(), (text, fields) => {
      const { lines, log } = capture()
      log.info(fields, text)
      if (lines.length !== 1 || !/^[^\n]+\n$/.test(lines[0] ?? '')) throw new Error(lines.join())
      JSON.parse(lines[0] ?? '')
    }),
  )
})

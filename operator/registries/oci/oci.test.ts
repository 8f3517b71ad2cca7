import t, { type Test } from 'tap'
import { type RegistryOptions, startRegistry } from '../../../e2e/harness/registry.ts'
import { faults } from '../../../e2e/harness/registry-faults.ts'
import { account } from '../../../e2e/harness/token-server.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { transportTo } from '../testing/peer.ts'
import type { TransportOptions } from '../transport/transport.ts'
import { OciRegistry } from './oci.ts'

const login: Credentials = { kind: 'basic', ...account }
const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }

async function started(t: Test, options: RegistryOptions = {}, transport: Partial<TransportOptions> = {}) {
  const program = await startRegistry(options)
  t.teardown(() => program.stop())
  const registry = new OciRegistry(transportTo(t, [program.host], { limits: fast, ...transport }))
  return { program, registry, web: { host: program.host, path: 'shop/web' } }
}

t.test('a poll is one conditional HEAD on a kept-alive connection', async (t) => {
  const { program, registry, web } = await started(t)
  const { digest } = await program.push('shop/web', 'env-prod')
  const access = { credentials: anonymous }
  await registry.resolve(web, 'env-prod', access)
  for (let i = 0; i < 30; i++) t.equal(await registry.resolve(web, 'env-prod', access, digest), digest)
  t.equal(program.requests.length, 31)
  t.equal(program.count({ method: 'HEAD', kind: 'manifest', status: 304 }), 30)
  t.equal(program.connections, 1)
  t.ok(program.requests.every(({ userAgent }) => userAgent === 'cvmanager/test'))
})

t.test('after the first refusal credentials are sent at once, and a token is requested once', async (t) => {
  for (const auth of ['basic', 'token'] as const) {
    const { program, registry, web } = await started(t, { auth })
    await program.push('shop/web', 'env-prod')
    const access = { credentials: login }
    await Promise.all(Array.from({ length: 5 }, () => registry.resolve(web, 'env-prod', access)))
    program.forget()
    for (let i = 0; i < 5; i++) await registry.resolve(web, 'env-prod', access)
    t.equal(program.requests.length, 5, auth)
  }
})

t.test('an anonymous token opens a public repository', async (t) => {
  const { program, registry, web } = await started(t, { auth: 'token', token: { anonymousPull: true } })
  const { digest } = await program.push('shop/web', 'env-prod')
  t.equal(await registry.resolve(web, 'env-prod', { credentials: anonymous }), digest)
})

t.test('each fault has its class, reason and remedy, and the next poll works', async (t) => {
  const { program, registry, web } = await started(t, {}, { deadlineMs: 300 })
  const { digest } = await program.push('shop/web', ['env-prod'])
  const look = () => registry.resolve(web, 'env-prod', { credentials: anonymous })
  const cases = [
    [faults.internalError, 'RegistryUnavailable', /answered 500 for tag env-prod of repository shop\/web/],
    ['hang', 'RegistryUnavailable', /no complete answer within 0\.3 s/],
    ['garbage', 'RegistryAnswerInvalid', /Docker-Content-Digest is not a digest/],
    ['reset', 'RegistryUnavailable', /cannot be reached/],
  ] as const
  for (const [fault, reason, message] of cases) {
    const heal = program.faults.inject(fault)
    await t.rejects(look(), { name: 'TransientError', reason, message })
    heal()
    t.equal(await look(), digest)
  }
  const heal = program.faults.inject('endless')
  const tags = registry.tags(web, { credentials: anonymous })[Symbol.asyncIterator]()
  await t.rejects(tags.next(), { reason: 'RegistryAnswerInvalid', message: /more than 4 MiB/ })
  heal()

  await program.goAway()
  await t.rejects(look(), { reason: 'RegistryUnavailable', message: /ECONNREFUSED/ })
  await program.comeBack()
  t.equal(await look(), digest)

  program.faults.inject(faults.throttled(7), { times: 1 })
  await t.rejects(look(), { name: 'TransientError', reason: 'RegistryThrottled', message: /429/ })
})

t.test('messages name the registry, the repository and what to do', async (t) => {
  const { program, registry, web } = await started(t, { auth: 'basic' })
  await program.push('shop/web', 'env-prod')
  const wrong = { kind: 'basic', username: 'ann', password: 'hunter2' } as const
  const denied = await registry.resolve(web, 'env-prod', { credentials: wrong }).catch((error: Error) => error.message)
  t.equal(
    denied,
    `the registry ${program.host} refused the credentials for repository shop/web (401, asked for tag env-prod). Check the user, the password and their right to pull in the pull secret for ${program.host}.`,
  )
  const missing = await registry.resolve(web, 'gone', { credentials: login }).catch((error: Error) => error.message)
  t.equal(
    missing,
    `the registry ${program.host} does not have tag gone of repository shop/web (404). Push it, or correct spec.imageRepo or spec.tag.`,
  )
})

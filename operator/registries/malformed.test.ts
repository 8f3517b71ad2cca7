import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { NeedsChangeError, TransientError } from '../errors.ts'
import { AzureIdentity } from './cloud/azure-identity.ts'
import { GoogleIdentity } from './cloud/google.ts'
import { WithIdentity } from './cloud/with-identity.ts'
import { allTags } from './contract.ts'
import { digestOf } from './digest.ts'
import { DockerHubRegistry } from './docker-hub/docker-hub.ts'
import { GhcrRegistry } from './ghcr.ts'
import { MirroredRegistry } from './mirror.ts'
import { OciRegistry } from './oci.ts'
import { type Peer, peer, transportTo } from './peer.ts'
import { QuayRegistry } from './quay/quay.ts'
import { anonymous, type Credentials, type Registry } from './registry.ts'
import type { Transport } from './transport.ts'

/** Of each implementation; 10,000 by FUZZ_RUNS. */
const runs = Number(process.env.FUZZ_RUNS ?? 100)
const largestGrowth = 50 * 1024 * 1024
const digest = digestOf(Buffer.from('{}'))
const login: Credentials = { kind: 'basic', username: 'ann', password: 'hunter2-secret' }

const header = fc.oneof(
  fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
  fc.constantFrom('Bearer realm="http://x/"', 'Basic', '<a>; rel="next"', digest, '-1'),
)
const answer = fc.record({
  status: fc.constantFrom(
    200,
    200,
    200,
    204,
    206,
    301,
    304,
    307,
    400,
    401,
    401,
    403,
    404,
    405,
    416,
    418,
    500,
    503,
    599,
  ),
  headers: fc.dictionary(
    fc.constantFrom('www-authenticate', 'docker-content-digest', 'link', 'location', 'content-type', 'date', 'etag'),
    fc.oneof(header, fc.array(header, { maxLength: 3 })),
  ),
  body: fc.oneof(
    fc.json(),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc
      .record({
        tags: fc.anything(),
        manifests: fc.anything(),
        config: fc.anything(),
        token: fc.anything(),
        access_token: fc.anything(),
        refresh_token: fc.anything(),
        results: fc.anything(),
        next: fc.anything(),
      })
      .map((body) => {
        try {
          return JSON.stringify(body)
        } catch {
          return '{'
        }
      }),
  ),
})

/** Every implementation that speaks by our own transport. The server is also each one's API of its own. */
const implementations: Readonly<Record<string, (transport: Transport, server: Peer) => Registry>> = {
  oci: (transport) => new OciRegistry(transport),
  ghcr: (transport) => new GhcrRegistry(transport),
  quay: (transport) => new QuayRegistry(transport),
  dockerhub: (transport, { host }) => new DockerHubRegistry(transport, { hub: `http://${host}` }),
  gar: (transport, { host }) =>
    new WithIdentity('gar', new OciRegistry(transport), new GoogleIdentity(transport, { metadata: `http://${host}` })),
  acr: (transport, { host }) => {
    const assertion = () => Promise.resolve('token')
    const account = { clientId: 'c', tenantId: 't', assertion, authority: `http://${host}` }
    return new WithIdentity('acr', new OciRegistry(transport), new AzureIdentity(transport, account))
  },
  mirrored: (transport, { host }) => {
    const mirror = { host, prefix: 'mirror', credentials: () => Promise.resolve(anonymous) }
    return new MirroredRegistry(new OciRegistry(transport), new OciRegistry(transport), mirror)
  },
}

type Question = (registry: Registry, host: string, path: string, credentials: Credentials) => Promise<unknown>

const questions: readonly Question[] = [
  (registry, host, path, credentials) => registry.resolve({ host, path }, 'env-prod', { credentials }, digest),
  (registry, host, path, credentials) => allTags(registry, { host, path }, { credentials }),
  (registry, host, path, credentials) => registry.labels({ host, path }, digest, { credentials }),
  async (registry, host, path, credentials) => await registry.aliases?.({ host, path }, digest, { credentials }),
  async (registry, host, path, credentials) => {
    for await (const _ of registry.pushTimes?.({ host, path }, { credentials }) ?? []);
  },
  (registry, host, path, credentials) => registry.tag({ host, path }, digest, 'env-prod', { credentials }),
  (registry, host, path, credentials) => registry.untag({ host, path }, 'env-prod', { credentials }),
]

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

/** What is held after what is not needed any more has gone. */
function memoryHeld(): number {
  collect()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

async function fuzz(t: Test, make: (transport: Transport, server: Peer) => Registry, numRuns: number) {
  const queue: { status: number; headers: Record<string, string | string[]>; body: string }[] = []
  const server = await peer(t, (_, response) => {
    const challenge = { 'www-authenticate': `Bearer realm="http://${server.host}/t"` }
    const next = queue.shift() ?? { status: 401, headers: challenge, body: '' }
    // What it was asked is kept by the test's server alone.
    server.asked.length = 0
    response.writeHead(next.status, next.headers).end(next.body)
  })
  const transport = transportTo(t, [server.host], { limits: { requestsPerSecond: 1e6, burst: 1e6, concurrency: 4 } })
  // One for all: what it remembers of each answer would add up.
  const registry = make(transport, server)
  const cases = fc.record({
    answers: fc.array(answer, { minLength: 1, maxLength: 5 }),
    ask: fc.constantFrom(...questions),
    path: fc.stringMatching(/^[a-z]{1,12}\/[a-z]{1,12}$/),
    credentials: fc.constantFrom<Credentials>(login, anonymous),
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ answers, ask, path, credentials }) => {
      queue.splice(0, queue.length, ...answers)
      try {
        await ask(registry, server.host, path, credentials)
      } catch (error) {
        if (!(error instanceof TransientError || error instanceof NeedsChangeError)) throw error
        if (error.message.includes('hunter2-secret')) throw new Error('a secret was shown', { cause: error })
      }
    }),
    { numRuns },
  )
}

for (const [kind, make] of Object.entries(implementations)) {
  t.test(`R8 ${kind}: whatever a registry answers, it is an answer or an error of a known class`, async (t) => {
    await t.test('warm', (t) => fuzz(t, make, Math.min(runs, 100)))
    const before = memoryHeld()
    await t.test(`${runs} answers`, async (t) => {
      await fuzz(t, make, runs)
      const grown = memoryHeld() - before
      t.comment(`${runs} runs: ${Math.round(grown / 1024)} KiB more`)
      t.ok(grown < largestGrowth, `${grown} bytes`)
    })
  })
}

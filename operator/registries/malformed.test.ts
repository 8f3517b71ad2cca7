import fc from 'fast-check'
import t from 'tap'
import { NeedsChangeError, TransientError } from '../errors.ts'
import { allTags } from './contract.ts'
import { digestOf } from './digest.ts'
import { OciRegistry } from './oci.ts'
import { peer, transportTo } from './peer.ts'
import type { Credentials } from './registry.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 300)
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
      .record({ tags: fc.anything(), manifests: fc.anything(), config: fc.anything(), token: fc.anything() })
      .map((body) => {
        try {
          return JSON.stringify(body)
        } catch {
          return '{'
        }
      }),
  ),
})

t.test(
  'R8 whatever a registry answers, it is an answer or an error of a known class, without a secret in it',
  async (t) => {
    const queue: { status: number; headers: Record<string, string | string[]>; body: string }[] = []
    const server = await peer(t, (_, response) => {
      const next = queue.shift() ?? {
        status: 401,
        headers: { 'www-authenticate': `Bearer realm="http://${server.host}/t"` },
        body: '',
      }
      response.writeHead(next.status, next.headers).end(next.body)
    })
    const transport = transportTo(t, [server.host], { limits: { requestsPerSecond: 1e6, burst: 1e6, concurrency: 4 } })
    const repository = { host: server.host, path: 'shop/web' }
    const access = { credentials: login }
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), fc.nat(2), async (answers, which) => {
        queue.splice(0, queue.length, ...answers)
        const registry = new OciRegistry(transport)
        try {
          if (which === 0) await registry.resolve(repository, 'env-prod', access, digest)
          else if (which === 1) await allTags(registry, repository, access)
          else await registry.labels(repository, digest, access)
        } catch (error) {
          if (!(error instanceof TransientError || error instanceof NeedsChangeError)) throw error
          if (error.message.includes('hunter2-secret')) throw new Error('a secret was shown', { cause: error })
        }
      }),
      { numRuns: runs },
    )
  },
)

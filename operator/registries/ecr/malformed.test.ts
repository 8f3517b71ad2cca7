import fc from 'fast-check'
import t from 'tap'
import { NeedsChangeError, TransientError } from '../../errors.ts'
import { allTags } from '../contract.ts'
import { digestOf } from '../digest.ts'
import { peer } from '../peer.ts'
import { access, registryOn, repositoryAt } from './bench.ts'

const runs = Number(process.env.FUZZ_RUNS ?? 300)
const digest = digestOf(Buffer.from('{}'))
const web = repositoryAt('shop/web')

const exceptions = ['ImageNotFoundException', 'ImageAlreadyExistsException', 'AccessDeniedException', 'constructor', '']
const junk = fc.oneof(fc.json(), fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom('{}', '[]', 'null', ''))
const value = fc.oneof(
  fc.anything(),
  fc.array(
    fc.record(
      {
        imageDigest: fc.constantFrom(digest, 'sha256:x', 7),
        imageTags: fc.oneof(fc.constant(['env-prod', 'v1']), fc.anything()),
        imageTag: fc.constantFrom('env-prod', 7, '\n'),
        imagePushedAt: fc.anything(),
        imageManifest: fc.constantFrom('{}', '[]', 7),
        imageId: fc.anything(),
        failureCode: fc.constantFrom('ImageNotFound', 'KmsError', 7),
      },
      { requiredKeys: [] },
    ),
  ),
)
const shaped = fc
  .record(
    {
      __type: fc.constantFrom(...exceptions),
      imageDetails: value,
      imageIds: value,
      images: value,
      failures: value,
      image: fc.anything(),
      nextToken: fc.constantFrom('x', 7, null),
      downloadUrl: fc.constantFrom(
        'file:///etc/passwd',
        'http://169.254.169.254/',
        '',
        7,
        'https://user:x@127.0.0.1:1/',
      ),
    },
    { requiredKeys: [] },
  )
  .map((body) => {
    try {
      return JSON.stringify(body)
    } catch {
      return '{'
    }
  })
// 429 and 5xx would have the SDK wait before its second try.
const answer = fc.record({
  status: fc.constantFrom(200, 200, 200, 200, 204, 301, 400, 403, 404, 418),
  body: fc.oneof(junk, shaped, shaped),
})

t.test('R8 whatever ECR answers, it is an answer or an error of a known class', async (t) => {
  const queue: { readonly status: number; readonly body: string }[] = []
  const server = await peer(t, (request, response) => {
    request.resume()
    const { status, body } = queue.shift() ?? { status: 400, body: '{"__type":"RepositoryNotFoundException"}' }
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
  })
  const registry = registryOn(t, `http://${server.host}`)
  const questions = [
    () => registry.resolve(web, 'env-prod', access),
    () => registry.aliases(web, digest, access),
    () => allTags(registry, web, access),
    () => registry.labels(web, digest, access),
    () => registry.tag(web, digest, 'env-prod', access),
    () => registry.untag(web, 'env-prod', access),
  ]
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), fc.nat(5), async (answers, which) => {
      queue.splice(0, queue.length, ...answers)
      try {
        await questions[which]?.()
      } catch (error) {
        if (!(error instanceof TransientError || error instanceof NeedsChangeError)) throw error
      }
    }),
    { numRuns: runs },
  )
})

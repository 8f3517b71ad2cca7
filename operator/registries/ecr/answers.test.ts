import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { VersionFinder } from '../../discovery/versions/version-finder.ts'
import type { Digest } from '../../images/digest.ts'
import { digestOf } from '../../images/digest.ts'
import { allTags } from '../testing/contract.ts'
import { access, registryOn, repositoryAt } from '../testing/ecr-bench.ts'
import { peer } from '../testing/peer.ts'

const web = repositoryAt('shop/web')
const digests = (name: string): Digest => digestOf(Buffer.from(name))
type Body = Readonly<Record<string, unknown>>

/** An ECR that answers each action as it is told; `asked` has the actions, oldest first. */
async function answering(t: Test, answers: Readonly<Record<string, (input: Body) => Body | [number, Body]>>) {
  const asked: string[] = []
  const server = await peer(t, (request, response) => {
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    asked.push(action)
    readJson(request).then((input) => {
      const answer = answers[action]?.(input) ?? [400, { __type: 'UnknownOperationException' }]
      if (Array.isArray(answer)) send(response, answer[0], answer[1])
      else send(response, 200, answer)
    }, t.error)
  })
  return { registry: registryOn(t, `http://${server.host}`), asked }
}

const send = (response: ServerResponse, status: number, body: Body) =>
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))

async function readJson(request: IncomingMessage): Promise<Body> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return JSON.parse(text) as Body
}

t.test('B03 no image for the tag is told as that, whether AWS says so or says nothing', async (t) => {
  for (const answer of [
    { imageDetails: [] },
    { imageDetails: [{ imageDigest: digests('x'), imageTags: ['other'] }] },
  ]) {
    const { registry } = await answering(t, { DescribeImages: () => answer })
    await t.rejects(registry.resolve(web, 'env-prod', access), {
      name: 'NeedsChangeError',
      reason: 'TagNotFound',
      message: /does not have tag env-prod of repository shop\/web/,
    })
  }
})

t.test('B04 of several tags that match, the version is the same in whatever order AWS answers', async (t) => {
  const tags = ['v1.9', 'env-prod', 'v1.10', 'latest', 'xv1.11', 'v1.11x']
  for (let round = 0; round < tags.length; round++) {
    tags.push(tags.shift() ?? '')
    const manifest = '{"schemaVersion":2}'
    const digest = digestOf(Buffer.from(manifest))
    const { registry } = await answering(t, {
      DescribeImages: () => ({ imageDetails: [{ imageDigest: digest, imageTags: tags }] }),
      BatchGetImage: () => ({ images: [{ imageManifest: manifest }] }),
    })
    const query = { registry, repository: web, tag: 'env-prod', digest, access }
    const version = await new VersionFinder().find({ ...query, versionSyntax: 'v[0-9]+\\.[0-9]+' })
    t.same(version, { digest, name: 'v1.10', source: 'alias' })
  }
})

t.test('B05 an empty answer, or one with holes, is no crash', async (t) => {
  const holes = [{}, { imageDetails: null }, { imageDetails: [null, {}, { imageDigest: 7 }] }, { imageIds: [null, {}] }]
  const images = [{ images: [] }, { images: [null] }, { images: [{}], failures: [null] }, { failures: [] }]
  for (const [at, hole] of holes.entries()) {
    const { registry } = await answering(t, {
      DescribeImages: () => hole,
      ListImages: () => hole,
      BatchGetImage: () => images[at] ?? {},
      BatchDeleteImage: () => ({}),
    })
    const known = { name: /^(NeedsChange|Transient)Error$/ }
    await t.rejects(registry.resolve(web, 'env-prod', access), known)
    await t.rejects(registry.aliases(web, digests('x'), access), known)
    await t.rejects(registry.labels(web, digests('x'), access), known)
    await t.rejects(registry.tag(web, digests('x'), 'env-prod', access), known)
    await allTags(registry, web, access).catch((error: Error) => t.match(error, known))
  }
})

t.test('B06 a failure of one item within a success is told, and nothing is taken for done', async (t) => {
  const manifest = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}'
  const digest = digestOf(Buffer.from(manifest))
  const failure = { failureCode: 'KmsError', failureReason: 'the key is disabled' }
  const kms = { name: 'NeedsChangeError', reason: 'RegistryRefused', message: /KmsError: the key is disabled/ }
  const broken = await answering(t, {
    DescribeImages: () => ({ imageDetails: [{ imageDigest: digests('old'), imageTags: ['env-prod', 'v1'] }] }),
    BatchGetImage: () => ({ images: [], failures: [failure] }),
    BatchDeleteImage: () => ({ imageIds: [], failures: [failure] }),
  })
  await t.rejects(broken.registry.tag(web, digest, 'env-prod', access), kms)
  await t.rejects(broken.registry.untag(web, 'env-prod', access), kms)
  t.notOk(broken.asked.includes('PutImage'))

  const silent = await answering(t, {
    DescribeImages: () => ({ imageDetails: [{ imageDigest: digests('old'), imageTags: ['env-prod', 'v1'] }] }),
    BatchGetImage: () => ({ images: [{ imageManifest: manifest }] }),
    PutImage: () => ({}),
    BatchDeleteImage: () => ({}),
  })
  const unusable = { name: 'TransientError', reason: 'RegistryAnswerInvalid' }
  await t.rejects(silent.registry.tag(web, digest, 'env-prod', access), unusable)
  await t.rejects(silent.registry.untag(web, 'env-prod', access), unusable)
})

t.test('where AWS does not name the missing tag, it is found by halves', async (t) => {
  const missing = new Set(['t17', 't60'])
  const { registry, asked } = await answering(t, {
    DescribeImages: ({ imageIds }) => {
      const tags = (imageIds as { imageTag: string }[]).map(({ imageTag }) => imageTag)
      if (tags.some((tag) => missing.has(tag))) return [400, { __type: 'ImageNotFoundException', message: 'no' }]
      return { imageDetails: [{ imageDigest: digests('x'), imageTags: tags }] }
    },
  })
  const tags = Array.from({ length: 100 }, (_, i) => `t${i}`)
  const poll = async () => {
    asked.length = 0
    return await Promise.allSettled(tags.map((tag) => registry.resolve(web, tag, access)))
  }
  const first = await poll()
  t.same(
    tags.filter((_, at) => first[at]?.status === 'rejected'),
    [...missing],
  )
  t.ok(asked.length < 32, `${asked.length} calls`)
  await poll()
  t.equal(asked.length, 1 + missing.size, 'the next poll needs no search')
})

t.test('pages are followed to their end, and no further', async (t) => {
  const pages: Record<string, Body> = {
    '': { imageIds: [{ imageTag: 'a', imageDigest: digests('a') }], nextToken: '2' },
    2: { imageIds: [], nextToken: '3' },
    3: { imageIds: [{ imageTag: 'b' }, { imageDigest: digests('untagged') }, { imageTag: 'not a tag' }] },
  }
  const { registry, asked } = await answering(t, { ListImages: ({ nextToken = '' }) => pages[String(nextToken)] ?? {} })
  t.same(await allTags(registry, web, access), ['a', 'b'])
  t.equal(asked.length, 3)
  const round = await answering(t, { ListImages: () => ({ imageIds: [], nextToken: 'again' }) })
  await t.rejects(allTags(round.registry, web, access), { name: 'TransientError', message: /the same again/ })
  t.equal(round.asked.length, 2)
})

t.test('an ECR that throttles is left alone, ever longer, and each is told of its own tag', async (t) => {
  const { registry, asked } = await answering(t, {
    DescribeImages: () => [400, { __type: 'ThrottlingException', message: 'Rate exceeded' }],
  })
  const looks = ['a', 'b'].map((tag) => registry.resolve(web, tag, access))
  const outcomes = await Promise.allSettled(looks)
  for (const [at, tag] of ['a', 'b'].entries()) {
    t.match(outcomes[at], {
      reason: {
        name: 'TransientError',
        reason: 'RegistryThrottled',
        message: new RegExp(`so tag ${tag} of repository shop/web was not looked at`),
      },
    })
  }
  const { retryAfterMs } = (outcomes[0] as PromiseRejectedResult).reason as { retryAfterMs: number }
  t.ok(retryAfterMs >= 5_000 && retryAfterMs < 6_000)
  t.equal(asked.length, 2, 'one try, and one of the SDK')
  await t.rejects(registry.resolve(web, 'a', access), { name: 'TransientError', reason: 'RegistryThrottled' })
  t.equal(asked.length, 2, 'it is not asked while it is left alone')
})

t.test('after a refusal one call finds out for all whether it is over', async (t) => {
  let refuses = true
  const tagged = digests('one')
  const { registry, asked } = await answering(t, {
    DescribeImages: () =>
      refuses
        ? [400, { __type: 'ThrottlingException', message: 'Rate exceeded' }]
        : { imageDetails: [{ imageDigest: tagged, imageTags: ['a'] }] },
  })
  const looks = () =>
    Promise.allSettled(
      Array.from({ length: 5 }, (_, at) => registry.resolve({ ...web, path: `shop/${at}` }, 'a', access)),
    )
  await looks()
  const together = asked.length
  await new Promise((resolve) => setTimeout(resolve, 5_600))
  await looks()
  t.equal(asked.length - together, 2, 'one try, and one of the SDK')
  refuses = false
  await new Promise((resolve) => setTimeout(resolve, 11_100))
  const answers = await looks()
  t.ok(answers.every((answer) => answer.status === 'fulfilled' && answer.value === tagged))
  t.equal(asked.length - together, 2 + 5)
})

t.test('what IAM refuses is named with the action that is to be allowed', async (t) => {
  const denial = 'User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:DescribeImages'
  const { registry } = await answering(t, {
    DescribeImages: () => [400, { __type: 'AccessDeniedException', message: denial }],
  })
  const error = await registry.resolve(web, 'env-prod', access).catch((error: Error) => error)
  t.match(error, { name: 'NeedsChangeError', reason: 'RegistryAccessDenied' })
  t.equal(
    (error as Error).message,
    `AWS refused ecr:DescribeImages on repository shop/web of the registry ${web.host} (AccessDeniedException, asked for tag env-prod): ${denial}. Allow ecr:DescribeImages on that repository for cvmanager's AWS identity, in its policy or, for another account, in the repository's.`,
  )
})

t.test('an ECR that fails or is away has its class, and one that is called off ends the question', async (t) => {
  const failing = await answering(t, { DescribeImages: () => [500, { __type: 'ServerException' }] })
  const unavailable = { name: 'TransientError', reason: 'RegistryUnavailable', message: /shop\/web/ }
  await t.rejects(failing.registry.resolve(web, 'x', access), unavailable)
  await t.rejects(registryOn(t, 'http://127.0.0.1:9').resolve(web, 'x', access), unavailable)

  const hanging = await peer(t, () => undefined)
  const controller = new AbortController()
  const look = registryOn(t, `http://${hanging.host}`).resolve(web, 'x', { ...access, signal: controller.signal })
  setTimeout(() => controller.abort(new Error('called off')), 50)
  await t.rejects(look, { message: 'called off' })
})

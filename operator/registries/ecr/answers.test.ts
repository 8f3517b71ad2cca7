import type { ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
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

/** An ECR with the given answers; `actions` has the requests, oldest first. */
async function answering(t: Test, answers: Readonly<Record<string, (input: Body) => Body | [number, Body]>>) {
  const actions: string[] = []
  const server = await peer(t, (request, response) => {
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    actions.push(action)
    json(request).then((input) => {
      const answer = answers[action]?.(input as Body) ?? [400, { __type: 'UnknownOperationException' }]
      if (Array.isArray(answer)) send(response, answer[0], answer[1])
      else send(response, 200, answer)
    }, t.error)
  })
  return { registry: registryOn(t, `http://${server.host}`), actions }
}

const send = (response: ServerResponse, status: number, body: Body) =>
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))

t.test('B03 a tag without an image is not found, whether AWS says so or says nothing', async (t) => {
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

t.test('B04 with several matching tags, the version does not depend on their order in the answer', async (t) => {
  const tags = ['v1.9', 'env-prod', 'v1.10', 'latest', 'xv1.11', 'v1.11x']
  for (let round = 0; round < tags.length; round++) {
    tags.push(tags.shift() ?? '')
    const manifest = '{"schemaVersion":2,"manifests":[]}'
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

t.test('B05 empty and incomplete answers are errors of a known class', async (t) => {
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

t.test('B06 the failure of one item in a successful answer is an error, and nothing counts as done', async (t) => {
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
  t.notOk(broken.actions.includes('PutImage'))

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

t.test('if AWS does not name the missing tag, it is found by halving', async (t) => {
  const missing = new Set(['t17', 't60'])
  const { registry, actions } = await answering(t, {
    DescribeImages: ({ imageIds }) => {
      const tags = (imageIds as { imageTag: string }[]).map(({ imageTag }) => imageTag)
      if (tags.some((tag) => missing.has(tag))) return [400, { __type: 'ImageNotFoundException', message: 'no' }]
      return { imageDetails: [{ imageDigest: digests('x'), imageTags: tags }] }
    },
  })
  const tags = Array.from({ length: 100 }, (_, i) => `t${i}`)
  const poll = async () => {
    actions.length = 0
    return await registry.resolveAll(web, tags, access)
  }
  const first = await poll()
  t.same(
    tags.filter((tag) => first.get(tag) instanceof Error),
    [...missing],
  )
  t.ok(actions.length < 32, `${actions.length} calls`)
  await poll()
  t.equal(actions.length, 1 + missing.size, 'the next poll needs no halving')
})

t.test('pages are read to the last one, and no further', async (t) => {
  const pages: Record<string, Body> = {
    '': { imageIds: [{ imageTag: 'a', imageDigest: digests('a') }], nextToken: '2' },
    2: { imageIds: [], nextToken: '3' },
    3: { imageIds: [{ imageTag: 'b' }, { imageDigest: digests('untagged') }, { imageTag: 'not a tag' }] },
  }
  const { registry, actions } = await answering(t, {
    ListImages: ({ nextToken = '' }) => pages[String(nextToken)] ?? {},
  })
  t.same(await allTags(registry, web, access), ['a', 'b'])
  t.equal(actions.length, 3)
  const round = await answering(t, { ListImages: () => ({ imageIds: [], nextToken: 'again' }) })
  await t.rejects(allTags(round.registry, web, access), { name: 'TransientError', message: /the same again/ })
  t.equal(round.actions.length, 2)
})

t.test('an ECR that throttles gets a pause, and each error names its own tag', async (t) => {
  const { registry, actions } = await answering(t, {
    DescribeImages: () => [400, { __type: 'ThrottlingException', message: 'Rate exceeded' }],
  })
  const reads = ['a', 'b'].map((tag) => registry.resolve(web, tag, access))
  const outcomes = await Promise.allSettled(reads)
  for (const [at, tag] of ['a', 'b'].entries()) {
    t.match(outcomes[at], {
      reason: {
        name: 'TransientError',
        reason: 'RegistryThrottled',
        message: new RegExp(`so tag ${tag} of repository shop/web was not read`),
      },
    })
  }
  const { retryAfterMs } = (outcomes[0] as PromiseRejectedResult).reason as { retryAfterMs: number }
  // A pause of 5 s, of which some may have passed already.
  t.ok(retryAfterMs > 4_000 && retryAfterMs <= 5_000, `${retryAfterMs} ms`)
  t.equal(actions.length, 1, 'one request, and no retry of the SDK')
  await t.rejects(registry.resolve(web, 'a', access), { name: 'TransientError', reason: 'RegistryThrottled' })
  t.equal(actions.length, 1, 'no request during the pause')
})

t.test('after a pause, one call probes ECR before the others go, and the pause grows', async (t) => {
  let refuses = true
  const tagged = digests('one')
  const { registry, actions } = await answering(t, {
    DescribeImages: () =>
      refuses
        ? [400, { __type: 'ThrottlingException', message: 'Rate exceeded' }]
        : { imageDetails: [{ imageDigest: tagged, imageTags: ['a'] }] },
  })
  const reads = () =>
    Promise.allSettled(
      Array.from({ length: 5 }, (_, at) => registry.resolve({ ...web, path: `shop/${at}` }, 'a', access)),
    )
  await reads()
  const together = actions.length
  await new Promise((resolve) => setTimeout(resolve, 5_600))
  await reads()
  t.equal(actions.length - together, 1, 'one request, and no retry of the SDK')
  refuses = false
  await new Promise((resolve) => setTimeout(resolve, 11_100))
  const answers = await reads()
  t.ok(answers.every((answer) => answer.status === 'fulfilled' && answer.value === tagged))
  t.equal(actions.length - together, 1 + 5)
})

t.test('if IAM refuses a call, the error names the action to allow', async (t) => {
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

t.test('a failing or unreachable ECR is a transient error, and an abort ends the call', async (t) => {
  const failing = await answering(t, { DescribeImages: () => [500, { __type: 'ServerException' }] })
  const unavailable = { name: 'TransientError', reason: 'RegistryUnavailable', message: /shop\/web/ }
  await t.rejects(failing.registry.resolve(web, 'x', access), unavailable)
  await t.rejects(registryOn(t, 'http://127.0.0.1:9').resolve(web, 'x', access), unavailable)

  const hanging = await peer(t, () => undefined)
  const controller = new AbortController()
  const read = registryOn(t, `http://${hanging.host}`).resolve(web, 'x', { ...access, signal: controller.signal })
  setTimeout(() => controller.abort(new Error('aborted')), 50)
  await t.rejects(read, { message: 'aborted' })
})

t.test('a corrected secret is used at once, although its access key id is the same', async (t) => {
  const tokens: unknown[] = []
  const server = await peer(t, (request, response) => {
    tokens.push(request.headers['x-amz-security-token'])
    send(response, 200, { imageDetails: [{ imageDigest: digests('x'), imageTags: ['env-prod'] }] })
  })
  const registry = registryOn(t, `http://${server.host}`)
  for (const secret of ['wrong', 'right']) {
    const credentials = { kind: 'aws', accessKeyId: 'AKIASHOP', secretAccessKey: secret, sessionToken: secret } as const
    await registry.resolve(web, 'env-prod', { credentials })
  }
  t.same(tokens, ['wrong', 'right'])
})

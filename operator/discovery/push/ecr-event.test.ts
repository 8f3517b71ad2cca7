// Event: docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html, "Event for a completed image push"
import fc from 'fast-check'
import t from 'tap'
import { parseEcrHost } from '../../registries/ecr/host.ts'
import { parseEcrEvent } from './ecr-event.ts'

const event = (more: object = {}, detail: object = {}) =>
  JSON.stringify({
    version: '0',
    id: '13cde686-328b-6117-af20-0e5566167482',
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '123456789012',
    time: '2019-11-16T01:54:34Z',
    region: 'us-west-2',
    resources: [],
    detail: {
      result: 'SUCCESS',
      'repository-name': 'my-repository-name',
      'image-digest': 'sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234',
      'action-type': 'PUSH',
      'image-tag': 'latest',
      ...detail,
    },
    ...more,
  })

t.test('a push is a hint for its tag, under each name of the registry', async (t) => {
  const read = parseEcrEvent(event())
  t.match(read, { is: 'push' })
  if (read.is !== 'push') return
  t.same(
    read.hints.map(({ repository, tag }) => `${repository.host}/${repository.path}:${tag}`),
    [
      '123456789012.dkr.ecr.us-west-2.amazonaws.com/my-repository-name:latest',
      '123456789012.dkr.ecr-fips.us-west-2.amazonaws.com/my-repository-name:latest',
      '123456789012.dkr-ecr.us-west-2.on.aws/my-repository-name:latest',
      '123456789012.dkr-ecr-fips.us-west-2.on.aws/my-repository-name:latest',
    ],
  )
})

t.test('B01 the names of every partition are known hosts of ECR', async (t) => {
  for (const region of [
    'eu-central-1',
    'cn-north-1',
    'us-gov-west-1',
    'us-iso-east-1',
    'us-isob-east-1',
    'eu-isoe-west-1',
    'us-isof-south-1',
    'eusc-de-east-1',
  ]) {
    const read = parseEcrEvent(event({ region }))
    t.match(read, { is: 'push' }, region)
    if (read.is !== 'push') continue
    for (const { repository } of read.hints) t.match(parseEcrHost(repository.host), { region }, repository.host)
  }
})

t.test('deletions, failures, scans, pushes by digest and events of other services are no hints', async (t) => {
  for (const other of [
    event({}, { 'action-type': 'DELETE' }),
    event({}, { result: 'FAILURE' }),
    event({}, { 'image-tag': undefined }),
    event({ 'detail-type': 'ECR Image Scan' }),
    event({ source: 'aws.s3' }),
  ]) {
    t.same(parseEcrEvent(other), { is: 'other' })
  }
})

t.test('what EventBridge would not send is malformed, with the reason', async (t) => {
  for (const text of [
    '',
    'null',
    '[]',
    '{"Type":"Notification","Message":"{}"}',
    event({ account: '1' }),
    event({ region: 'evil.example.com/' }),
    event({}, { 'repository-name': '../x' }),
    event({}, { 'image-tag': 'a b' }),
  ]) {
    t.match(parseEcrEvent(text), { is: 'malformed', fault: String }, text.slice(0, 40))
  }
})

t.test('S11 no text makes the parser throw', async () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.object().map((detail) => event({}, detail)),
      ),
      (text) => {
        parseEcrEvent(text)
      },
    ),
    { numRuns: 500 },
  )
})

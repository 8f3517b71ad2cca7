/** The registry commands with Amazon ECR, simulated by moto. */
import t from 'tap'
import { motoEnvironment, startMoto } from '../../../e2e/harness/moto.ts'
import { callsTo, rows } from '../ci-job.fixture.ts'

t.test('tags can be added and removed on ECR', async (t) => {
  const moto = await startMoto()
  t.teardown(() => moto.stop())
  Object.assign(process.env, motoEnvironment)
  const { calls, runs } = callsTo(t, moto.host, ['--registry-endpoint', `ecr=${moto.endpoint}`])
  const one = await moto.push('shop/web', ['1a2b3c4'], { multiArch: true })
  const two = await moto.push('shop/web', ['abcdef0', 'v1.2'])

  const added = await runs('tags add --repo REPO --version 1a2b3c4 --tags env-prod,env-test', { ...motoEnvironment })
  t.same([added.status, added.err], [0, ''])
  t.same(
    rows(added.out),
    ['env-prod', 'env-test'].map((tag) => `HOST/shop/web | ${tag} | added | ${one}`),
  )
  const again = await calls('tags add --repo REPO --version 1a2b3c4 --tags env-prod --provider ecr')
  t.same([again.status, rows(again.out)], [0, [`HOST/shop/web | env-prod | already there | ${one}`]])
  const moved = await calls('tags add --repo REPO --version-pattern v[0-9.]+ --tags env-prod')
  t.same(rows(moved.out), [`HOST/shop/web | env-prod | moved | ${two} | ${one}`])
  const got = await calls('tags get --repo REPO --version env-prod')
  t.same([got.status, rows(got.out)], [0, [`HOST/shop/web | ${two} | abcdef0, env-prod, v1.2`]])

  const whole = await calls('tags remove --repo REPO --tags env-test,1a2b3c4 --dry-run')
  t.equal(whole.status, 1)
  t.same(rows(whole.out), [
    `HOST/shop/web | env-test | would be removed | ${one}`,
    'HOST/shop/web | 1a2b3c4 | would fail',
  ])
  t.match(whole.err, /tag 1a2b3c4 .* is the last one on sha256:.*nothing was removed/)
  const removed = await calls('tags remove --repo REPO --tags env-prod,env-test,env-never --version 1a2b3c4')
  t.equal(removed.status, 0)
  t.same(rows(removed.out), [
    `HOST/shop/web | env-prod | left alone | ${two}`,
    `HOST/shop/web | env-test | removed | ${one}`,
    'HOST/shop/web | env-never | not there',
  ])
  t.match((await calls('resolve REPO:env-prod')).out, /Provider +ecr\nCredentials +the AWS identity of this process\n/)
})

t.test('a failure on ECR is reported in one line and by the exit status', async (t) => {
  const moto = await startMoto()
  t.teardown(() => moto.stop())
  Object.assign(process.env, motoEnvironment)
  const { calls } = callsTo(t, moto.host, ['--registry-endpoint', `ecr=${moto.endpoint}`])
  await moto.createRepository('shop/web', { immutable: true })
  await moto.push('shop/web', ['v1'])
  await moto.push('shop/web', ['v2'])
  const cases: readonly (readonly [string, 1 | 2 | 3, RegExp])[] = [
    ['tags get --repo REPO --version v9', 3, /tag v9 of repository shop\/web/],
    [`tags get --repo REPO --version sha256:${'0'.repeat(64)}`, 3, /image sha256:0+ of repository shop\/web/],
    ['tags get --repo REPO/typo --version v1', 3, /shop\/web\/typo/],
    ['tags remove --repo REPO/typo --tags v1', 3, /shop\/web\/typo/],
    ['tags add --repo REPO --version v1 --tags v2', 1, /v2 .*immutable/],
    [
      'tags add --repo REPO --version v1 --tags a --provider dockerhub',
      2,
      /--provider: HOST is not a host of the provider/,
    ],
  ]
  for (const [command, status, message] of cases) {
    const ended = await calls(command)
    t.equal(ended.status, status, command)
    t.match(ended.err, message, command)
    t.match(ended.err, /^error: [^\n]+\n$/, `${command}: one line`)
  }
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Moto } from '../../../e2e/harness/moto.ts'
import type { IdentitySettings } from '../registry-kind.ts'
import { depsFor, repositoryAt, withMoto } from '../testing/ecr-bench.ts'
import { opened } from '../testing/opened.fixture.ts'

const web = repositoryAt('shop/web')
const roleArn = 'arn:aws:iam::123456789012:role/registry-reader'

/** Three polls with that identity. Returns what AWS was asked. */
async function pollAs(t: Test, moto: Moto, identity: IdentitySettings, env: Readonly<Record<string, string>> = {}) {
  const { poll } = opened({ ...depsFor(t, moto.endpoint), identity })
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, env)
  moto.forget()
  try {
    for (let i = 0; i < 3; i++) await poll(web, 'env-prod')
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  return moto.calls.map(({ action, accessKey, body }) => ({ action, accessKey, form: new URLSearchParams(body) }))
}

t.test('which AWS identity is used', async (t) => {
  const moto = await withMoto(t)
  await moto.push('shop/web', 'env-prod')

  t.test('what the SDK finds by itself', async (t) => {
    t.match(
      await pollAs(t, moto, {}),
      Array(3).fill({ action: 'ecr:DescribeImages', accessKey: 'AKIATESTTESTTESTTEST' }),
    )
  })

  t.test('a profile of the shared files', async (t) => {
    const file = join(t.testdir(), 'credentials')
    writeFileSync(file, '[shop]\naws_access_key_id = AKIASHOPSHOPSHOPSHOP\naws_secret_access_key = x\n')
    const calls = await pollAs(t, moto, { awsProfile: 'shop' }, { AWS_SHARED_CREDENTIALS_FILE: file })
    t.match(calls, Array(3).fill({ action: 'ecr:DescribeImages', accessKey: 'AKIASHOPSHOPSHOPSHOP' }))
  })

  t.test('a role that is assumed, with its external id, once for many polls', async (t) => {
    const [assumed, ...polls] = await pollAs(t, moto, { awsRoleArn: roleArn, awsExternalId: 'shop-42' })
    t.match(assumed, { action: 'sts:AssumeRole', accessKey: 'AKIATESTTESTTESTTEST' })
    t.equal(assumed?.form.get('RoleArn'), roleArn)
    t.equal(assumed?.form.get('ExternalId'), 'shop-42')
    t.match(polls, Array(3).fill({ action: 'ecr:DescribeImages', accessKey: /^ASIA/ }))
    t.equal(polls.length, 3)
  })

  t.test('a web identity token, which needs no other credentials', async (t) => {
    const webIdentityTokenFile = join(t.testdir(), 'token')
    writeFileSync(webIdentityTokenFile, 'header.payload.signature')
    const identity = { awsRoleArn: roleArn, awsWebIdentityTokenFile: webIdentityTokenFile }
    const [assumed, poll] = await pollAs(t, moto, identity)
    t.match(assumed, { action: 'sts:AssumeRoleWithWebIdentity', accessKey: undefined })
    t.equal(assumed?.form.get('WebIdentityToken'), 'header.payload.signature')
    t.match(poll, { action: 'ecr:DescribeImages', accessKey: /^ASIA/ })
  })

  t.test('none: the message says what to set up, and AWS is not asked', async (t) => {
    const nobody = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }
    await t.rejects(pollAs(t, moto, {}, nobody), {
      name: 'NeedsChangeError',
      reason: 'RegistryAccessDenied',
      message: /no AWS credentials .* awsProfile or awsRoleArn/,
    })
    t.equal(moto.calls.length, 0)
  })
  t.end()
})

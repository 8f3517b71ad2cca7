import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Moto } from '../../../e2e/harness/moto.ts'
import { access, registryOn, repositoryAt, withMoto } from '../testing/ecr-bench.ts'
import type { AwsIdentity } from './identity.ts'

const web = repositoryAt('shop/web')
const roleArn = 'arn:aws:iam::123456789012:role/registry-reader'

/** One look as that identity; gives back what AWS was asked for. */
async function lookAs(t: Test, moto: Moto, aws: AwsIdentity, env: Readonly<Record<string, string>> = {}) {
  const registry = registryOn(t, moto.endpoint, { aws, endpoints: { ecr: moto.endpoint, sts: moto.endpoint } })
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, env)
  moto.forget()
  try {
    await registry.resolve(web, 'env-prod', access)
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  return moto.calls.map(({ action, accessKey, body }) => ({ action, accessKey, form: new URLSearchParams(body) }))
}

t.test('as whom AWS is asked', async (t) => {
  const moto = await withMoto(t)
  await moto.push('shop/web', 'env-prod')

  t.test('what the SDK finds by itself', async (t) => {
    t.match(await lookAs(t, moto, {}), [{ action: 'ecr:DescribeImages', accessKey: 'AKIATESTTESTTESTTEST' }])
  })

  t.test('a profile of the shared files', async (t) => {
    const file = join(t.testdir(), 'credentials')
    writeFileSync(file, '[shop]\naws_access_key_id = AKIASHOPSHOPSHOPSHOP\naws_secret_access_key = x\n')
    const calls = await lookAs(t, moto, { profile: 'shop' }, { AWS_SHARED_CREDENTIALS_FILE: file })
    t.match(calls, [{ action: 'ecr:DescribeImages', accessKey: 'AKIASHOPSHOPSHOPSHOP' }])
  })

  t.test('a role that is assumed, with its external id, once for many looks', async (t) => {
    const [assumed, look, ...others] = await lookAs(t, moto, { roleArn, externalId: 'shop-42' })
    t.match(assumed, { action: 'sts:AssumeRole', accessKey: 'AKIATESTTESTTESTTEST' })
    t.equal(assumed?.form.get('RoleArn'), roleArn)
    t.equal(assumed?.form.get('ExternalId'), 'shop-42')
    t.match(look, { action: 'ecr:DescribeImages', accessKey: /^ASIA/ })
    t.same(others, [])
  })

  t.test('a web identity token, which needs no other credentials', async (t) => {
    const webIdentityTokenFile = join(t.testdir(), 'token')
    writeFileSync(webIdentityTokenFile, 'header.payload.signature')
    const [assumed, look] = await lookAs(t, moto, { roleArn, webIdentityTokenFile })
    t.match(assumed, { action: 'sts:AssumeRoleWithWebIdentity', accessKey: undefined })
    t.equal(assumed?.form.get('WebIdentityToken'), 'header.payload.signature')
    t.match(look, { action: 'ecr:DescribeImages', accessKey: /^ASIA/ })
  })

  t.test('none: it is said what to give, and nothing is asked', async (t) => {
    const nobody = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }
    await t.rejects(lookAs(t, moto, {}, nobody), {
      name: 'NeedsChangeError',
      reason: 'RegistryAccessDenied',
      message: /no AWS credentials .* awsProfile or awsRoleArn/,
    })
    t.equal(moto.calls.length, 0)
  })
  t.end()
})

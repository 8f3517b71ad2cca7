import t from 'tap'
import { systemClock } from '../../time/clock.ts'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { Registries } from '../registries.ts'
import { repositoryAt, withMoto } from '../testing/ecr-bench.ts'
import { transportTo } from '../testing/peer.ts'
import { roleAnnotation } from './identity.ts'

const web = repositoryAt('shop/web')
const roleOf = (tenant: string) => ({ [roleAnnotation]: `arn:aws:iam::123456789012:role/${tenant}` })

t.test('ECR in the name of service accounts', async (t) => {
  const moto = await withMoto(t)
  const digest = await moto.push('shop/web', 'env-prod')
  const endpoints = { ecr: moto.endpoint, sts: moto.endpoint }
  const aws = { roleArn: 'arn:aws:iam::123456789012:role/manager' }
  const made = () =>
    new Registries({ transport: transportTo(t, []), clock: systemClock, endpoints, env: {}, aws }).for(web)
  const assumed = () =>
    moto.calls
      .filter(({ action }) => action === 'sts:AssumeRoleWithWebIdentity')
      .map(({ body }) => new URLSearchParams(body))

  t.test('each asks with the role of its annotation, by one exchange however many look', async (t) => {
    const registry = made()
    const accounts = ['shop', 'bank'].map((tenant) => testAccount(tenant, 'reader', roleOf(tenant)))
    moto.forget()
    for (const credentials of accounts) {
      const looks = [1, 2, 3].map(() => registry.resolve(web, 'env-prod', { credentials: { ...credentials } }))
      t.same(await Promise.all(looks), [digest, digest, digest])
      t.same(await registry.aliases?.(web, digest, { credentials }), ['env-prod'])
      t.same(credentials.audiences, ['sts.amazonaws.com'])
    }
    t.match(
      assumed().map((form) => Object.fromEntries(form)),
      ['shop', 'bank'].map((tenant) => ({
        RoleArn: `arn:aws:iam::123456789012:role/${tenant}`,
        WebIdentityToken: `token-of-${tenant}-reader`,
        RoleSessionName: `cvmanager@${tenant}.reader`,
      })),
    )
    const asked = moto.calls.filter(({ action }) => action.startsWith('ecr:'))
    t.equal(asked.length, 4)
    t.equal(new Set(asked.map(({ accessKey }) => accessKey)).size, 2, 'what is asked together has one owner')
    t.ok(asked.every(({ accessKey }) => accessKey?.startsWith('ASIA')))
    t.equal(moto.count('sts:AssumeRole'), 0, 'the manager itself was nobody')
  })

  t.test('an account that names no role is told so, and is mended by the annotation alone', async (t) => {
    const registry = made()
    const credentials = testAccount('shop', 'plain')
    moto.forget()
    const fault = (message: RegExp) => ({ name: 'NeedsChangeError', reason: 'ServiceAccountNotAnnotated', message })
    const look = () => registry.resolve(web, 'env-prod', { credentials })
    await t.rejects(look(), fault(/shop\/plain, .* has no annotation eks\.amazonaws\.com\/role-arn\. .*arn:aws:iam::/))
    for (const role of [
      '',
      'reader',
      'arn:aws:iam::1:role/x',
      'arn:aws:iam::123456789012:user/x',
      `${roleOf('x')[roleAnnotation]}\n`,
    ]) {
      credentials.written = { [roleAnnotation]: role }
      await t.rejects(look(), fault(/of no use/))
    }
    t.same(moto.calls, [])
    credentials.written = roleOf('shop')
    t.equal(await look(), digest)
  })

  t.test('a role that does not trust the account is told with what its trust policy has to name', async (t) => {
    const registry = made()
    const credentials = testAccount('shop', 'reader', roleOf('bank'))
    const body =
      '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized</Message></Error></ErrorResponse>'
    const when = ({ path }: { readonly path: string }) => path === '/sts:AssumeRoleWithWebIdentity'
    moto.faults.inject({ status: 403, headers: { 'content-type': 'text/xml' }, body }, { when })
    const message = /service account shop\/reader \(spec\.serviceAccountName\).*system:serviceaccount:shop:reader/
    await t.rejects(registry.resolve(web, 'env-prod', { credentials }), { reason: 'RegistryAccessDenied', message })
  })
  t.end()
})

import t from 'tap'
import { systemClock } from '../../time/clock.ts'
import { testAccount } from '../credentials/service-account.fixture.ts'
import { repositoryAt, withMoto } from '../testing/ecr-bench.ts'
import { opened } from '../testing/opened.fixture.ts'
import { transportTo } from '../testing/peer.ts'
import { roleAnnotation } from './aws-cloud.ts'

const web = repositoryAt('shop/web')
const roleOf = (tenant: string) => ({ [roleAnnotation]: `arn:aws:iam::123456789012:role/${tenant}` })

t.test('ECR in the name of service accounts', async (t) => {
  const moto = await withMoto(t)
  const digest = await moto.push('shop/web', 'env-prod')
  const endpoints = { ecr: moto.endpoint, sts: moto.endpoint }
  const identity = { awsRoleArn: 'arn:aws:iam::123456789012:role/manager' }
  const made = () => opened({ transport: transportTo(t, []), clock: systemClock, endpoints, env: {}, identity })
  const assumed = () =>
    moto.calls
      .filter(({ action }) => action === 'sts:AssumeRoleWithWebIdentity')
      .map(({ body }) => new URLSearchParams(body))

  t.test('each account uses the role in its annotation, with one exchange for any number of polls', async (t) => {
    const { poll, registries, accessTo } = made()
    const accounts = ['shop', 'bank'].map((tenant) => testAccount(tenant, 'reader', roleOf(tenant)))
    moto.forget()
    for (const account of accounts) {
      const polls = [1, 2, 3].map(() => poll(web, 'env-prod', { ...account }))
      t.same(await Promise.all(polls), [digest, digest, digest])
      t.same(await registries.for(web).aliases?.(web, digest, await accessTo(web, account)), {
        tags: ['env-prod'],
        isComplete: true,
      })
      t.same(account.audiences, ['sts.amazonaws.com'])
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
    t.equal(asked.length, 8)
    t.equal(new Set(asked.map(({ accessKey }) => accessKey)).size, 2, 'each account uses its own credentials')
    t.ok(asked.every(({ accessKey }) => accessKey?.startsWith('ASIA')))
    t.equal(moto.count('sts:AssumeRole'), 0, 'the identity of the manager is not used')
  })

  t.test('an account without a role gets a message, and the annotation alone fixes it', async (t) => {
    const { poll } = made()
    const account = testAccount('shop', 'plain')
    moto.forget()
    const fault = (message: RegExp) => ({ name: 'NeedsChangeError', reason: 'ServiceAccountNotAnnotated', message })
    const ask = () => poll(web, 'env-prod', account)
    await t.rejects(ask(), fault(/shop\/plain, .* has no annotation eks\.amazonaws\.com\/role-arn\. .*arn:aws:iam::/))
    for (const role of [
      '',
      'reader',
      'arn:aws:iam::1:role/x',
      'arn:aws:iam::123456789012:user/x',
      `${roleOf('x')[roleAnnotation]}\n`,
    ]) {
      account.written = { [roleAnnotation]: role }
      await t.rejects(ask(), fault(/invalid annotation/))
    }
    t.same(moto.calls, [])
    account.written = roleOf('shop')
    t.equal(await ask(), digest)
  })

  t.test('for a role that does not trust the account, the message says what its trust policy must name', async (t) => {
    const { poll } = made()
    const account = testAccount('shop', 'reader', roleOf('bank'))
    const body =
      '<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized</Message></Error></ErrorResponse>'
    const when = ({ path }: { readonly path: string }) => path === '/sts:AssumeRoleWithWebIdentity'
    moto.faults.inject({ status: 403, headers: { 'content-type': 'text/xml' }, body }, { when })
    const message = /service account shop\/reader \(spec\.serviceAccountName\).*system:serviceaccount:shop:reader/
    await t.rejects(poll(web, 'env-prod', account), { reason: 'RegistryAccessDenied', message })
  })
  t.end()
})

/** spec.serviceAccountName for Google, with tokens of a real API server and the rights of deploy/. Google's services are stand-ins. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ApiClient } from '../operator/kubernetes/client.ts'
import { loadKubeConfig } from '../operator/kubernetes/kube-config.ts'
import { serviceAccountOf } from '../operator/registries/credentials/service-account.ts'
import { digest, googleCloud, web } from '../operator/registries/google/google.fixture.ts'
import { opened } from '../operator/registries/testing/opened.fixture.ts'
import { systemClock } from '../operator/time/clock.ts'
import { startCluster } from './harness/cluster.ts'

const root = join(import.meta.dirname, '..')
const account = 'registry-reader'
const email = 'reader@my-project.iam.gserviceaccount.com'
const provider = 'projects/123/locations/global/workloadIdentityPools/clusters/providers/prod'

interface TokenReview {
  readonly status: { readonly authenticated?: boolean; readonly user?: { readonly username?: string } }
}

t.test('Google gets a token of the tenant’s account, which is valid for Google alone', async (t) => {
  t.setTimeout(120_000)
  const cluster = await startCluster()
  t.teardown(() => cluster.stop())
  for (const name of ['cvmanager', 'shop', 'bank']) await cluster.namespace(name)
  await cluster.kubectl('apply', '-f', join(root, 'deploy/rbac.yaml'))
  await cluster.applyText(await readFile(join(root, 'deploy/service-account-tokens.yaml'), 'utf8'))
  for (const namespace of ['shop', 'bank']) {
    const metadata = { name: account, namespace, annotations: { 'iam.gke.io/gcp-service-account': email } }
    await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  }
  const clientOf = (file: string) => {
    const client = new ApiClient({ kubeConfig: loadKubeConfig({ file }), version: '0' })
    t.teardown(() => client.close())
    return client
  }
  const client = clientOf(await cluster.serviceAccountKubeconfig('cvmanager', 'cvmanager'))
  const admin = clientOf(cluster.kubeconfig)
  const review = async (token: string, ...audiences: string[]): Promise<string | undefined> => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } }
    const { status } = await admin.create<TokenReview>('/apis/authentication.k8s.io/v1/tokenreviews', body)
    return status.authenticated === true ? status.user?.username : undefined
  }

  const cloud = await googleCloud(t)
  const { transport, endpoints, exchanges, readers } = cloud
  readers.add(`token-of-${email}`)
  const deps = { transport, clock: systemClock, endpoints, env: {} }
  const resolve = (namespace: string, googleWorkloadIdentity = '') =>
    opened({ ...deps, identity: { googleWorkloadIdentity } }).poll(
      web,
      'env-prod',
      serviceAccountOf(client, namespace, account),
    )

  const who = `system:serviceaccount:shop:${account}`
  t.equal(await resolve('shop'), digest)
  t.equal(await resolve('shop', provider), digest)
  const [onGke = '', elsewhere = ''] = exchanges.map(({ subject_token }) => subject_token)
  t.equal(await review(onGke, 'my-project.svc.id.goog'), who)
  t.equal(await review(elsewhere, `https://iam.googleapis.com/${provider}`), who)
  t.equal(await review(onGke), undefined, 'the API server itself accepts neither token')
  t.equal(await review(elsewhere), undefined)
  const { exp, iat } = JSON.parse(Buffer.from(onGke.split('.')[1] ?? '', 'base64url').toString())
  t.equal(exp - iat, 600)
  t.same(
    cloud.iam.asked.map((asked) => asked.replace(/Bearer .*/, '')),
    Array(2).fill(`POST /v1/projects/-/serviceAccounts/${email}:generateAccessToken `),
  )

  const denied = {
    reason: 'ServiceAccountTokenNotReadable',
    message: /may not act as the service account bank\/registry-reader.*deploy\/service-account-tokens\.yaml/,
  }
  await t.rejects(resolve('bank'), denied, 'S2 without the Role nobody requests a token for the account')
  await cluster.kubectl('delete', `serviceaccount/${account}`, '-n', 'shop')
  await t.rejects(resolve('shop'), {
    reason: 'ServiceAccountNotFound',
    message: /no ServiceAccount shop\/registry-reader/,
  })
  t.equal(exchanges.length, 2)
})

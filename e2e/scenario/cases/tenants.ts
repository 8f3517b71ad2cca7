import { reconcileAnnotation } from '../../../operator/api/names.ts'
import type { KubernetesObject } from '../../harness/cluster.ts'
import type { Registry } from '../../harness/registry.ts'
import { account } from '../../harness/token-server.ts'
import { type Bed, operatorUser } from '../bed.ts'
import { build, v1 } from '../builds.ts'
import { type AddTest, emptyWorld, webCv, workloads } from '../scenario.ts'
import { mayReadPullSecret, pullSecret } from './access.ts'

/** Images of the other tenant that nobody else has. */
const [secret, newer] = [build('5ec4e71'), build('5ec4e72')]

/** What to follow in a repository, so that each kind of poll and of search is tried. */
const follows: readonly object[] = [
  { tag: 'env-prod' },
  { tag: secret.name },
  { tag: 'env-prod', versionSyntax: '.*' },
  { tag: undefined, policy: { semver: { range: '*' } } },
  { tag: undefined, policy: { numeric: {}, filter: { pattern: '.*' } } },
]

const guess = Buffer.from(`${account.username}:a-guess`).toString('base64')

/** Docker configs of a tenant who does not know the password, by the name of their pull secret. */
const configsFor = ({ host }: Registry, path: string): Readonly<Record<string, object>> => ({
  wrong: { auths: { [host]: { auth: guess } } },
  nobody: { auths: { [host]: { username: '', password: '' } } },
  identity: { auths: { [host]: { identitytoken: 'a-guess' } } },
  bearer: { auths: { [host]: { registrytoken: 'a-guess' } } },
  narrow: { auths: { [`${host}/${path}`]: { auth: guess } } },
  address: { auths: { [`https://${host}/v2/`]: { auth: guess } } },
  helper: { credHelpers: { [host]: 'sh' } },
  store: { credsStore: 'sh' },
})

/** Other ways to be somebody else. */
const ways: readonly { readonly spec?: object; readonly annotations?: Readonly<Record<string, string>> }[] = [
  {},
  { annotations: { [reconcileAnnotation]: 'now' } },
  { spec: { serviceAccountName: 'default' } },
  { spec: { serviceAccountName: 'bank-reader' } },
]

/** Two tenants of one registry. */
export function tenants(test: AddTest, bed: Bed, token: Registry): void {
  test('S3 none of 200 attempts of a tenant gets at the image or the credentials of another one', async (t) => {
    const bank = await emptyWorld(t, bed, token)
    await mayReadPullSecret(bank)
    await pullSecret(bank, token)
    await bank.kubectl('create', 'serviceaccount', 'bank-reader')
    await bank.ciMoves('env-prod', secret)
    await bank.makes(
      ...workloads(bank, { deployment: 'web', running: secret }),
      webCv(bank, 'env-prod', { imagePullSecrets: [{ name: 'regcred' }] }),
    )
    await bank.runs(secret)

    const other = await emptyWorld(t, bed, token)
    const configs = configsFor(token, bank.path)
    await mayReadPullSecret(other, 'regcred', ...Object.keys(configs))
    await other.makes(
      ...workloads(other, { deployment: 'web', running: v1 }),
      ...Object.entries(configs).map(
        ([name, config]): KubernetesObject => ({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, namespace: other.namespace },
          type: 'kubernetes.io/dockerconfigjson',
          stringData: { '.dockerconfigjson': JSON.stringify(config) },
        }),
      ),
    )
    // The other tenant has a secret of this name, and this one has none.
    const secrets = [[], [{ name: 'regcred' }], ...Object.keys(configs).map((name) => [{ name }])]
    const attempts = secrets.flatMap((imagePullSecrets) =>
      follows.flatMap((followed) => ways.map((way) => ({ imagePullSecrets, followed, ...way }))),
    )
    t.equal(attempts.length, 200)
    for (const [at, { imagePullSecrets, followed, spec, annotations }] of attempts.entries()) {
      const made = webCv(
        other,
        'env-prod',
        { imageRepo: bank.repository, pollIntervalSeconds: 3_600, imagePullSecrets, ...followed, ...spec },
        `attempt-${at}`,
      )
      await other.makes({ ...made, metadata: { ...made.metadata, annotations } })
    }
    const statusOf = (at: number) => other.now('ContainerVersion', `attempt-${at}`)?.status
    await other.waitsFor('all to be answered', () => attempts.every((_, at) => statusOf(at)?.phase), 120_000)
    await bank.ciMoves('env-prod', newer)
    await bank.runs(newer)

    const unrefused = attempts.filter((_, at) => !['Stalled', 'Unavailable'].includes(statusOf(at)?.phase ?? ''))
    t.same(unrefused, [], 'each is refused')
    const written = JSON.stringify(await bed.cluster.auditLog({ user: operatorUser, namespace: other.namespace }))
    t.match(written, /attempt-199/)
    for (const told of [secret.digest.slice(7, 19), newer.digest.slice(7, 19), newer.name, account.password])
      t.notOk(written.includes(told), 'nothing is told of the other one')
    t.equal(await other.imagePatches('web'), 0)
  })
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { stringify } from 'yaml'
import { UsageError } from '../errors.ts'
import { loadKubeConfig } from './kube-config.ts'

const valid = {
  'current-context': 'here',
  contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
  clusters: [{ name: 'c', cluster: { server: 'https://api.example.com:6443' } }],
  users: [{ name: 'u', user: { token: 'secret' } }],
}

test('a kubeconfig file names the cluster and the account', async (t) => {
  const config = loadKubeConfig({ file: join(t.testdir({ kubeconfig: stringify(valid) }), 'kubeconfig') })
  t.equal(config.getCurrentCluster()?.server, 'https://api.example.com:6443')
  t.equal(config.getCurrentUser()?.token, 'secret')
})

test('a token file is read again at run time, relative to the kubeconfig', async (t) => {
  const users = [{ name: 'u', user: { tokenFile: 'token' } }]
  const directory = t.testdir({ kubeconfig: stringify({ ...valid, users }), token: 'first' })
  const config = loadKubeConfig({ file: join(directory, 'kubeconfig') })
  const options: { headers?: Record<string, string> } = {}
  await config.applyToHTTPSOptions(options)
  t.equal(options.headers?.Authorization, 'Bearer first')
})

test('plain HTTP is allowed if the kubeconfig says so, as in kubectl', async (t) => {
  const clusters = [{ name: 'c', cluster: { server: 'http://127.0.0.1:8001' } }]
  const file = join(t.testdir({ kubeconfig: stringify({ ...valid, clusters }) }), 'kubeconfig')
  await t.resolves(loadKubeConfig({ file }).applyToHTTPSOptions({}))
})

test('an unusable kubeconfig is reported in one line that names the flag and the file', async (t) => {
  const directory = t.testdir({
    garbage: '{{{',
    empty: '',
    'no-context': stringify({ ...valid, 'current-context': 'elsewhere' }),
    'no-server': stringify({ ...valid, clusters: [{ name: 'c', cluster: { server: '' } }] }),
  })
  for (const name of ['missing', 'garbage', 'empty', 'no-context', 'no-server']) {
    const file = join(directory, name)
    t.throws(() => loadKubeConfig({ file }), UsageError, name)
    t.throws(() => loadKubeConfig({ file }), { message: new RegExp(`^--k8s-config ${file}: `) })
  }
})

test('without a file, the account of the pod is used; outside of a pod, the flag is required', async (t) => {
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
  const root = t.testdir({})
  t.throws(() => loadKubeConfig({ environment: {}, root }), { message: /--k8s-config FILE/ })
  t.throws(() => loadKubeConfig({ environment, root }), UsageError)
  const account = join(root, 'var/run/secrets/kubernetes.io/serviceaccount')
  mkdirSync(account, { recursive: true })
  writeFileSync(join(account, 'token'), 'secret')
  t.ok(loadKubeConfig({ environment, root }).getCurrentCluster())
})

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

test('the file that is named counts, then the account of the pod, then $KUBECONFIG, then ~/.kube/config', async (t) => {
  const kubeconfig = (server: string) =>
    stringify({ ...valid, clusters: [{ name: 'c', cluster: { server: `https://${server}` } }] })
  const root = t.testdir({
    named: kubeconfig('named'),
    variable: kubeconfig('variable'),
    '.kube': { config: kubeconfig('home') },
    var: { run: { secrets: { 'kubernetes.io': { serviceaccount: { token: 'secret' } } } } },
  })
  const [file, variable] = [join(root, 'named'), join(root, 'variable')]
  const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' }
  const home = { HOME: root }
  const cluster = (source: Parameters<typeof loadKubeConfig>[0]) => {
    const { name, server } = loadKubeConfig({ root, ...source }).getCurrentCluster() ?? {}
    return name === 'inCluster' ? name : server
  }
  const all = { ...pod, ...home, KUBECONFIG: variable }
  t.equal(cluster({ file, environment: all }), 'https://named')
  t.equal(cluster({ environment: all }), 'inCluster', 'an installation in a pod stays on its cluster')
  t.equal(cluster({ environment: all, context: 'here' }), 'https://variable', 'a context is one of a kubeconfig')
  t.equal(cluster({ environment: { ...home, KUBECONFIG: variable } }), 'https://variable')
  t.equal(cluster({ environment: { ...home, KUBECONFIG: '' } }), 'https://home')
  t.equal(cluster({ environment: { ...pod, ...home }, root: t.testdirName.concat('/elsewhere') }), 'https://home')
})

test('several files in $KUBECONFIG are joined as kubectl does: the first with an entry counts, missing ones do not', async (t) => {
  const of = (token: string) => ({ name: 'u', user: { token } })
  const directory = t.testdir({
    a: stringify({ ...valid, 'current-context': '', users: [of('first')], contexts: [] }),
    below: {
      b: stringify({
        'current-context': 'there',
        clusters: [{ name: 'c', cluster: { server: 'https://second' } }],
        users: [of('second'), { name: 'other', user: { tokenFile: 'token' } }],
        contexts: [
          { name: 'there', context: { cluster: 'c', user: 'u' } },
          { name: 'elsewhere', context: { cluster: 'c', user: 'other' } },
        ],
      }),
      token: 'of-the-file',
    },
  })
  const path = (name: string) => join(directory, name)
  const environment = { KUBECONFIG: ['', path('missing'), path('a'), path('below/b')].join(':') }
  const joined = loadKubeConfig({ environment })
  t.equal(joined.getCurrentContext(), 'there')
  t.equal(joined.getCurrentCluster()?.server, 'https://api.example.com:6443')
  t.equal(joined.getCurrentUser()?.token, 'first')
  const options: { headers?: Record<string, string> } = {}
  await loadKubeConfig({ environment, context: 'elsewhere' }).applyToHTTPSOptions(options)
  t.equal(options.headers?.Authorization, 'Bearer of-the-file', 'paths are relative to the file that has them')
  t.throws(() => loadKubeConfig({ environment: { KUBECONFIG: `${path('x')}:${path('y')}` } }), {
    message: /^\$KUBECONFIG .*x:.*y: there is no such file; .*--k8s-config FILE$/,
  })
})

test('a context, a user, a cluster or a file that is not there is refused at once, with what there is', async (t) => {
  const context = (name: string, cluster: string, user: string) => ({ name, context: { cluster, user } })
  const directory = t.testdir({
    kubeconfig: stringify({
      contexts: [context('staging', 'c', 'u'), context('lost', 'nowhere', 'u'), context('nobody', 'c', 'ghost')],
      clusters: [
        ...valid.clusters,
        { name: 'ca', cluster: { server: 'https://x', 'certificate-authority': 'gone.crt' } },
      ],
      users: [...valid.users, { name: 'cert', user: { 'client-certificate': 'gone.crt' } }],
    }),
    more: stringify({ contexts: [context('ca', 'ca', 'u'), context('cert', 'c', 'cert')] }),
    garbage: '{{{ token: s3cret',
  })
  const KUBECONFIG = `${join(directory, 'kubeconfig')}:${join(directory, 'more')}`
  const wrong: readonly (readonly [string | undefined, RegExp])[] = [
    [
      undefined,
      /it has no current-context; choose a context with --context; there is: staging, lost, nobody, ca, cert$/,
    ],
    [
      'stagin',
      /^--context stagin: there is no such context in \$KUBECONFIG .*; there is: staging, lost, nobody, ca, cert; did you mean staging\?$/,
    ],
    ['x', /^--context x: .*; there is: staging, lost, nobody, ca, cert$/],
    ['lost', /the cluster "nowhere" of context "lost" has no server address/],
    ['nobody', /the user "ghost" of context "nobody" is not among its users/],
    ['ca', /cannot read the certificate-authority of context "ca" \(ENOENT/],
    ['cert', /cannot read the client-certificate of context "cert" \(ENOENT/],
  ]
  for (const [name, message] of wrong) {
    t.throws(() => loadKubeConfig({ context: name, environment: { KUBECONFIG } }), UsageError)
    t.throws(() => loadKubeConfig({ context: name, environment: { KUBECONFIG } }), { message }, String(name))
  }
  t.ok(loadKubeConfig({ context: 'staging', environment: { KUBECONFIG } }))
  try {
    loadKubeConfig({ file: join(directory, 'garbage') })
    t.fail('it was read')
  } catch (thrown) {
    t.notMatch(String(thrown), 's3cret', 'the error quotes nothing of the file')
  }
})

test('a credential plugin gets what kubectl gives it, and its path is relative to the kubeconfig', async (t) => {
  const cluster = { server: 'https://api.example.com:6443', 'certificate-authority-data': 'Y2E=' }
  const exec = { command: './auth', apiVersion: 'client.authentication.k8s.io/v1beta1' }
  const users = [
    { name: 'beside', user: { exec: { ...exec, provideClusterInfo: true, env: [{ name: 'A', value: 'b' }] } } },
    { name: 'on-path', user: { exec: { command: 'auth', env: null } } },
    { name: 'absolute', user: { exec: { ...exec, command: '/bin/auth' } } },
  ]
  const directory = t.testdir({
    kubeconfig: stringify({
      clusters: [{ name: 'c', cluster }],
      users,
      contexts: users.map(({ name }) => ({ name, context: { cluster: 'c', user: name } })),
    }),
  })
  const file = join(directory, 'kubeconfig')
  const seen = (context: string) => {
    const { command, env } = loadKubeConfig({ file, context }).getCurrentUser()?.exec ?? {}
    const { name, value } = env.at(-1)
    t.equal(name, 'KUBERNETES_EXEC_INFO')
    return { command, env: env.slice(0, -1), info: JSON.parse(value) }
  }
  t.same(seen('beside'), {
    command: join(directory, 'auth'),
    env: [{ name: 'A', value: 'b' }],
    info: { kind: 'ExecCredential', apiVersion: exec.apiVersion, spec: { interactive: false, cluster } },
  })
  const spec = { interactive: false }
  t.match(seen('on-path'), { command: 'auth', env: [], info: { apiVersion: 'client.authentication.k8s.io/v1', spec } })
  t.match(seen('absolute'), { command: '/bin/auth', info: { apiVersion: exec.apiVersion, spec } })
})

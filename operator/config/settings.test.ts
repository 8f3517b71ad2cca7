import fc from 'fast-check'
import { test } from 'tap'
import { UsageError } from '../errors.ts'
import { flagOf, settingKeys, settingOf, variableOf } from './schema.ts'
import { loadSettings } from './settings.ts'

const refusal = (load: () => unknown): string => {
  try {
    load()
  } catch (thrown) {
    if (thrown instanceof UsageError) return thrown.message
    throw thrown
  }
  return 'nothing was refused'
}

test('without any source, the defaults apply', async (t) => {
  t.match(loadSettings({}), {
    port: 8081,
    history: false,
    leaderElection: true,
    pollIntervalSeconds: 60,
    shutdownSeconds: 3,
  })
  t.same(loadSettings({}).insecureRegistries, [])
})

test('a flag takes precedence over the environment, then the ConfigMap, then the default', async (t) => {
  const env = { CVMANAGER_PORT: '2', CVMANAGER_WORKERS: '3' }
  const configMapData = { port: '1', workers: '1', logLevel: 'debug' }
  const { port, workers, logLevel } = loadSettings({ flags: { port: '5' }, env, configMapData })
  t.same({ port, workers, logLevel }, { port: 5, workers: 3, logLevel: 'debug' })
})

test('lists are read from a repeated flag, a text with commas, or lines', async (t) => {
  const expected = ['a:5000', 'b.example.com', '[::1]:80']
  t.same(
    loadSettings({ flags: { insecureRegistries: ['a:5000,b.example.com', '[::1]:80'] } }).insecureRegistries,
    expected,
  )
  const text = 'a:5000\nb.example.com, [::1]:80\na:5000'
  t.same(loadSettings({ env: { CVMANAGER_INSECURE_REGISTRIES: text } }).insecureRegistries, expected)
  t.same(loadSettings({ configMapData: { insecureRegistries: text } }).insecureRegistries, expected)
})

test('the error for a bad value is one line with its source, the key, the value and the allowed values', async (t) => {
  t.equal(
    refusal(() => loadSettings({ flags: { port: '80a' } })),
    '--port: "80a" is not allowed; it must be a whole number from 0 to 65535',
  )
  t.equal(
    refusal(() => loadSettings({ env: { CVMANAGER_HISTORY: 'off' } })),
    'environment variable CVMANAGER_HISTORY: "off" is not allowed; it must be true or false',
  )
  t.equal(
    refusal(() => loadSettings({ flags: { configmapKey: 'cd/settings' }, configMapData: { logLevel: 'loud' } })),
    'ConfigMap cd/settings, key logLevel: "loud" is not allowed; it must be one of trace, debug, info, warn, error',
  )
  t.match(
    refusal(() => loadSettings({ flags: { configmapKey: 'no-slash' } })),
    /^--configmap-key: "no-slash" .* NAMESPACE\/NAME/,
  )
})

test('a bad value is refused even if another source takes precedence', async (t) => {
  t.match(
    refusal(() => loadSettings({ flags: { port: '1' }, env: { CVMANAGER_PORT: 'x' } })),
    /CVMANAGER_PORT/,
  )
})

test('an unknown key of the ConfigMap is ignored with a warning, and the nearest name is suggested', async (t) => {
  const settings = (data: Record<string, string>) => {
    const warnings: string[] = []
    const warn = (message: string) => warnings.push(message)
    const loaded = loadSettings({ flags: { configmapKey: 'cd/settings' }, configMapData: data, warn })
    t.same(loaded, loadSettings({ flags: { configmapKey: 'cd/settings' } }), 'nothing else changes')
    return warnings.join()
  }
  t.equal(
    settings({ loglevel: 'info' }),
    'ConfigMap cd/settings, key loglevel: there is no such setting, and it is ignored; did you mean logLevel?',
  )
  t.match(settings({ pollInterval: '5' }), /did you mean pollIntervalSeconds/)
  t.match(settings({ zzz: '5' }), /known are watchNamespaces, port, .*logFormat/)
  t.match(settings({ k8sConfig: '/x' }), /cannot be in the ConfigMap, .*; use --k8s-config or .*CVMANAGER_K8S_CONFIG/)
  t.match(settings({ constructor: '/x', __proto__: 'x' }), /key constructor: there is no such setting/)
})

test('the ConfigMap of the first cvmanager has the key version, which is readable and nothing else', async (t) => {
  const warnings: string[] = []
  const warn = (message: string) => warnings.push(message)
  const load = (version: string) => loadSettings({ configMapData: { version }, warn }).version
  for (const version of ['latest', '1a2b3c4', `sha256:${'a'.repeat(64)}`, 'v1\n']) t.equal(load(version), version)
  t.equal(loadSettings({ flags: { version: 'x' }, env: { CVMANAGER_VERSION: 'x' } }).version, '')
  t.same(warnings, [])
})

test('an empty text means not set', async (t) => {
  t.match(loadSettings({ configMapData: { leaseNamespace: '', leaseName: '' } }), {
    leaseNamespace: 'cvmanager',
    leaseName: 'cvmanager',
  })
  t.equal(loadSettings({ flags: { configmapKey: '' } }).configmapKey, 'kube-system/cvmanager')
})

test('B26 an interval under five seconds is refused, so that nothing spins', async (t) => {
  for (const interval of ['0', '4', '-1', '1e9', '']) {
    t.match(
      refusal(() => loadSettings({ flags: { pollIntervalSeconds: interval } })),
      /from 5 to 86400/,
    )
  }
})

test('an empty environment variable counts as not set', async (t) => {
  t.equal(loadSettings({ env: { CVMANAGER_PORT: '' } }).port, 8081)
})

test('the variable that Kubernetes sets for a Service named cvmanager is ignored', async (t) => {
  t.equal(loadSettings({ env: { CVMANAGER_PORT: 'tcp://10.96.0.7:8081' } }).port, 8081)
})

test('any text for a setting is either accepted, or refused with the name of the setting', async () => {
  const source = fc.constantFrom('flag', 'environment', 'configMap')
  fc.assert(
    fc.property(fc.constantFrom(...settingKeys), source, fc.string({ unit: 'binary' }), (key, from, value) => {
      const sources = {
        flag: { flags: { [key]: value } },
        environment: { env: { [variableOf(key)]: value } },
        configMap: { configMapData: { [key]: value } },
      }[from]
      const message = refusal(() => loadSettings(sources))
      if (message === 'nothing was refused') return
      const name = { flag: `--${flagOf(key)}`, environment: variableOf(key), configMap: `key ${key}` }[from]
      if (!message.includes(name) || message.includes('\n')) throw new Error(message)
      if (!message.includes(settingOf(key).allowed) && from !== 'configMap') throw new Error(message)
    }),
    { numRuns: 500 },
  )
})

test('only whole numbers within the bounds are accepted', async () => {
  fc.assert(
    fc.property(fc.integer({ min: -100, max: 70_000 }), (port) => {
      const message = refusal(() => loadSettings({ flags: { port: String(port) } }))
      const allowed = port >= 0 && port <= 65_535
      if (allowed !== (message === 'nothing was refused')) throw new Error(message)
    }),
  )
})

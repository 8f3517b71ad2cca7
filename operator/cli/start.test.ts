/** `cvmanager run`, with the real controller, and what makes a start impossible. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { stringify } from 'yaml'
import { runProgram } from './program.ts'

t.test('whatever keeps run from starting is one line with what to do, before this replica leads', async (t) => {
  const taken = createServer().listen(0)
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const directory = t.testdir({
    // No API server is there. So this replica never leads, as a standby does not.
    kubeconfig: stringify({
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'c' } }],
      clusters: [{ name: 'c', cluster: { server: 'http://127.0.0.1:1' } }],
    }),
    garbage: '{{{ token: s3cret',
    'config.json': '{"auths": s3cret',
    'ca.pem': 's3cret',
    secrets: { quay: 's3cret' },
  })
  const path = (name: string) => join(directory, name)
  const cases: readonly (readonly [1 | 2, string, RegExp])[] = [
    [2, '--workers many', /--workers: "many" is not allowed; it must be a whole number/],
    [2, `--k8s-config ${path('gone')}`, /--k8s-config .*: there is no file .*gone/],
    [2, `--k8s-config ${path('garbage')}`, /--k8s-config .*garbage: cannot read it \(.*\); correct the file/],
    [2, `--docker-config ${path('gone')}`, /--docker-config .*: there is no file .*gone/],
    [2, `--docker-config ${directory}`, /--docker-config .* is a folder, not a file/],
    [2, `--docker-config ${path('config.json')}`, /--docker-config: the file .* is not valid JSON\. Create it again/],
    [2, `--registry-ca-file ${path('ca.pem')}`, /--registry-ca-file .*ca\.pem: .*no whole certificate/],
    [2, `--aws-web-identity-token-file ${path('gone')}`, /--aws-web-identity-token-file .*: there is no file .*gone/],
    [2, `--webhook-port 0 --webhook quay`, /--webhook-port is missing/],
    [
      2,
      `--webhook-port 1 --webhook-secrets-dir ${path('secrets')}`,
      /cannot use the secret file .*quay: line 1 has fewer/,
    ],
    [
      1,
      '--configmap-key cd/settings',
      /--configmap-key: cannot read ConfigMap cd\/settings: .*API server .* context "here": check .*--context/,
    ],
    [1, `--port ${port}`, /cannot listen on port \d+: another program uses it\. .*another port with --port\./],
  ]
  for (const [status, flags, message] of cases) {
    const kubeconfig = flags.includes('--k8s-config') ? [] : ['--k8s-config', path('kubeconfig')]
    let printed = ''
    const ended = await runProgram(['run', ...kubeconfig, ...flags.split(' ')], {
      env: { CVMANAGER_LOG_LEVEL: 'error', CVMANAGER_PORT: '0' },
      stdin: Readable.from([]),
      print: () => undefined,
      printError(text) {
        printed += text
      },
      clusterCommands: () => import('../wiring/cluster-commands.ts'),
      tagCommands: () => Promise.reject(new Error('no registry is needed')),
      // A start that goes on ends then, with the status 0.
      namesInCluster: () => Promise.reject(new Error('no names are asked for')),
      stopSignal: () => AbortSignal.timeout(5_000),
    })
    const last = printed.trimEnd().split('\n').at(-1) ?? ''
    t.equal(ended, status, flags)
    t.match(last, /^error: /, flags)
    t.match(last, message, flags)
    t.notMatch(printed, 's3cret', flags)
  }
})

/** The values of the chart, by helm on a real API server, and the plain YAML of deploy/. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { hasOnly, read, yamlSnippets } from './documents.ts'
import { type KubernetesObject, startCluster } from './harness/cluster.ts'

t.setTimeout(420_000)

const root = join(import.meta.dirname, '..')
const chart = join(root, 'charts/cvmanager')
const image = ['--set', 'image.repository=registry.example.com/cvmanager']
const patience = ['--wait', '--timeout', '120s']

const cluster = await startCluster()
t.teardown(() => cluster.stop())

/** A namespace as a careful platform team makes it. */
async function restricted(name: string): Promise<string> {
  await cluster.namespace(name)
  const levels = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`)
  await cluster.kubectl('label', 'namespace', name, ...levels)
  return name
}

async function refused(t: Test, says: RegExp, ...set: readonly string[]): Promise<void> {
  const values = [...image, ...set.flatMap((value) => ['--set', value])]
  await t.rejects(cluster.helm('template', 'cvmanager', chart, ...values), { message: says }, set.join())
}

/** Each option, with what it needs. */
const everything = (tenant: string) => ({
  image: { repository: 'registry.example.com/cvmanager', digest: `sha256:${'a'.repeat(64)}` },
  imagePullSecrets: [{ name: 'regcred' }],
  watchNamespaces: [tenant, 'cvmanager'],
  settings: {
    logLevel: 'debug',
    pollIntervalSeconds: 30,
    cloudIdentity: false,
    mirrors: ['docker.io=mirror.example.com'],
  },
  serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::123456789012:role/cvmanager' } },
  rbac: {
    pullSecrets: [{ namespace: tenant, names: ['regcred', 'dockerhub'] }],
    serviceAccountTokens: [{ namespace: tenant, names: ['registry-reader'] }],
    ci: [{ namespace: tenant, name: 'ci' }],
  },
  ingress: { enabled: true, className: 'nginx', hosts: ['cvmanager.example.com'], path: '/cvm' },
  hooks: { enabled: true, secretName: 'hooks', ingress: { enabled: true, hosts: ['hooks.example.com'] } },
  registryCA: { configMap: 'ca' },
  autoUpdateCVM: true,
  extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example.com:3128' }],
  extraEnvFrom: [{ secretRef: { name: 'more' } }],
  extraArgs: ['--log-format=json'],
  extraVolumes: [{ name: 'more', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
  podAnnotations: { 'example.com/owner': 'platform' },
  podLabels: { 'azure.workload.identity/use': 'true' },
  priorityClassName: 'system-cluster-critical',
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { app: 'cvmanager' } },
    },
  ],
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
  prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
  grafanaDashboard: { enabled: true },
  networkPolicy: {
    enabled: true,
    from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    egress: [{ ports: [{ port: 443 }] }],
  },
})

/** A kind of the Prometheus operator. */
const ofMonitoring = (kind: string): KubernetesObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.monitoring.coreos.com` },
  spec: {
    group: 'monitoring.coreos.com',
    scope: 'Namespaced',
    names: { kind, plural: `${kind.toLowerCase()}s` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
})

const field = (object: string, namespace: string, path: string): Promise<string> =>
  cluster.kubectl('get', object, '--namespace', namespace, '-o', `jsonpath={${path}}`)

const template = '.spec.template.spec.containers[?(@.name=="cvmanager")].image'

await t.test('the chart takes the values of every page', async (t) => {
  const keys = Object.keys(parse(read('charts/cvmanager/values.yaml')))
  const documented = yamlSnippets().filter((snippet) => hasOnly(snippet, keys))
  t.ok(documented.length >= 5)
  const values = join(cluster.directory, 'documented-values.yaml')
  for (const { at, text } of documented) {
    await writeFile(values, text)
    await t.resolves(cluster.helm('template', 'cvmanager', chart, ...image, '--values', values), at)
  }
})

await t.test('an uninstall right after the first installation leaves no ContainerVersion of cvmanager', async (t) => {
  const release = ['cvmanager', '--namespace', await cluster.namespace('first')]
  await cluster.helm('install', ...release, chart, ...image, '--set', 'autoUpdateCVM=true', ...patience)
  t.equal(
    await cluster.kubectl('get', 'cv', '--all-namespaces', '-o', 'name'),
    'containerversion.cvmanager.io/cvmanager-cv\n',
  )
  await cluster.helm('uninstall', ...release, '--wait')
  t.equal(await cluster.kubectl('get', 'cv', '--all-namespaces', '-o', 'name'), '')
  // The next test installs for the first time, too.
  await cluster.kubectl('delete', 'crd', 'containerversions.cvmanager.io')
})

await t.test('the values of an installation of 2018 install the objects that it had', async (t) => {
  const values = join(cluster.directory, 'old-values.yaml')
  await writeFile(
    values,
    stringify({
      replicaCount: 1,
      image: { repository: 'nearmap/cvmanager', tag: '39891f1', pullPolicy: 'IfNotPresent' },
      service: { type: 'ClusterIP', port: 80 },
      ingress: {
        enabled: true,
        annotations: { 'kubernetes.io/ingress.class': 'nginx' },
        path: '/cvm',
        hosts: ['chart-example.local'],
        tls: [{ secretName: 'chart-example-tls', hosts: ['chart-example.local'] }],
      },
      resources: { limits: { cpu: '100m', memory: '128Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' }],
      affinity: {},
      autoUpdateCVM: true,
      cvCD: { frequecy: 120, refTag: 'latest', selector: { cvapp: 'cvmanager-cv' } },
      nameOverride: '',
      fullnameOverride: '',
      useHistory: true,
    }),
  )
  const namespace = await restricted('kube-tools')
  // The first installation in this cluster: the CRD comes with it, and the ContainerVersion after it.
  await cluster.helm('install', 'cvmanagerapp', chart, '--namespace', namespace, '--values', values, ...patience)

  t.equal(await field('deployment/cvmanagerapp', namespace, template), 'nearmap/cvmanager:39891f1')
  t.equal(await field('deployment/cvmanagerapp', namespace, '.status.readyReplicas'), '1')
  t.equal(await field('service/cvmanagerapp', namespace, '.spec.ports[0].port'), '80')
  t.equal(await field('ingress/cvmanagerapp', namespace, '.spec.rules[0].http.paths[0].path'), '/cvm')
  t.equal(await field('configmap/cvmanagerapp', namespace, '.data.history'), 'true')
  const { metadata, spec } = await cluster.kubectlJson<{ metadata: { uid: string }; spec: object }>(
    ...['get', 'cv/cvmanagerapp-cv', '--namespace', namespace],
  )
  t.match(spec, {
    imageRepo: 'nearmap/cvmanager',
    tag: 'latest',
    pollIntervalSeconds: 120,
    selector: { cvapp: 'cvmanager-cv' },
    container: { name: 'cvmanager' },
    config: { name: 'cvmanagerapp', key: 'version' },
  })
  t.equal(
    await cluster.kubectl(
      ...['get', 'deployment', '--namespace', namespace, '--selector', 'cvapp=cvmanager-cv', '--output', 'name'],
    ),
    'deployment.apps/cvmanagerapp\n',
    'the ContainerVersion finds the Deployment',
  )

  await t.test('an upgrade keeps the version that cvmanager has rolled out to itself', async (t) => {
    const rolledOut = 'nearmap/cvmanager:4ab1c2d'
    await cluster.kubectl(
      ...['set', 'image', 'deployment/cvmanagerapp', `cvmanager=${rolledOut}`, '--namespace', namespace],
      ...['--field-manager', 'cvmanager'],
    )
    await cluster.helm(
      ...['upgrade', 'cvmanagerapp', chart, '--namespace', namespace, '--values', values],
      ...['--set', 'replicaCount=2', ...patience],
    )
    t.equal(await field('deployment/cvmanagerapp', namespace, template), rolledOut)
    t.equal(await field('deployment/cvmanagerapp', namespace, '.status.readyReplicas'), '2')
    t.equal(await field('cv/cvmanagerapp-cv', namespace, '.metadata.uid'), metadata.uid, 'it is the same object')
  })

  await cluster.helm('uninstall', 'cvmanagerapp', '--namespace', namespace, '--wait')
  t.equal(await cluster.kubectl('get', 'cv', '--namespace', namespace, '--ignore-not-found'), '', 'Helm removes it')
})

await t.test(
  'B48 S8 the service is internal, the image is a version, and Pod Security "restricted" admits it',
  async (t) => {
    const namespace = await restricted('cvmanager')
    await cluster.helm(
      'install',
      'cvmanager',
      chart,
      '--namespace',
      namespace,
      ...image,
      '--take-ownership',
      ...patience,
    )
    t.equal(await field('deployment/cvmanager', namespace, '.status.readyReplicas'), '2')
    t.equal(await field('service/cvmanager', namespace, '.spec.type'), 'ClusterIP')
    t.match(await field('deployment/cvmanager', namespace, template), /:\d+\.\d+\.\d+/)
    t.same(
      JSON.parse(await field('deployment/cvmanager', namespace, '.spec.template.spec.containers[0].securityContext')),
      {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    )
    t.match(JSON.parse(await field('deployment/cvmanager', namespace, '.spec.template.spec.securityContext')), {
      runAsNonRoot: true,
      runAsUser: 65532,
    })
    await refused(t, /image\.tag is latest, which moves/, 'image.tag=latest')
    await cluster.helm('uninstall', 'cvmanager', '--namespace', namespace, '--wait')

    await t.test('so does deploy/, which the API server takes without a warning', async (t) => {
      const files = ['crds', 'deploy/rbac.yaml', 'deploy/cvmanager.yaml'].flatMap((file) => ['-f', join(root, file)])
      const answer = await cluster.kubectl('apply', '--dry-run=server', '--warnings-as-errors', ...files)
      t.match(answer, 'deployment.apps/cvmanager created (server dry run)')
    })

    await t.test('so does everything that can be turned on', async (t) => {
      await cluster.apply(ofMonitoring('ServiceMonitor'), ofMonitoring('PrometheusRule'))
      await cluster.established('servicemonitors.monitoring.coreos.com')
      await cluster.established('prometheusrules.monitoring.coreos.com')
      const tenant = await cluster.namespace('tenant')
      const values = join(cluster.directory, 'all-values.yaml')
      await writeFile(values, stringify(everything(tenant)))
      const objects = await cluster.helm(
        ...[
          'template',
          'cvmanager',
          chart,
          '--namespace',
          namespace,
          '--values',
          values,
          '--skip-tests',
          '--api-versions',
          'cvmanager.io/v1/ContainerVersion',
        ],
      )
      await cluster.applyText(objects, '--dry-run=server', '--warnings-as-errors')
      const optional = ['Ingress', 'NetworkPolicy', 'PodDisruptionBudget', 'ServiceMonitor', 'PrometheusRule']
      for (const kind of [...optional, 'ContainerVersion']) t.match(objects, new RegExp(`^kind: ${kind}$`, 'm'), kind)
      t.match(objects, 'name: cvmanager-dashboard')
      const [monitor] = parseAllDocuments(objects)
        .map((document) => document.toJS())
        .filter(({ kind }) => kind === 'ServiceMonitor')
      t.match(monitor.spec.endpoints, [{ port: 'http', path: '/metrics', honorLabels: true }])
    })
  },
)

await t.test('a value that cannot work is refused in one line, before anything is changed', async (t) => {
  await t.rejects(cluster.helm('template', 'cvmanager', chart), { message: /image\.repository is not set: name the / })
  await refused(t, /'\/replicaCount': got string, want integer/, 'replicaCount=two')
  await refused(t, /additional properties 'replicas' not allowed/, 'replicas=2')
  await refused(t, /'\/settings': additional properties 'pollIntervall' not allowed/, 'settings.pollIntervall=30')
  await refused(t, /'\/settings\/pollIntervalSeconds': minimum: got 2, want 5/, 'settings.pollIntervalSeconds=2')
  await refused(t, /'\/settings\/logLevel': value must be one of 'trace', /, 'settings.logLevel=loud')
  await refused(t, /'\/settings': additional properties 'port' not allowed/, 'settings.port=80')
  await refused(t, /'\/cvCD\/frequecy': minimum: got 1, want 5/, 'cvCD.frequecy=1')
  await refused(t, /'\/image\/digest': 'abc' does not match pattern/, 'image.digest=abc')
  await refused(t, /'\/watchNamespaces\/0': 'Shop' does not match pattern/, 'watchNamespaces={Shop}')
  await refused(t, /the Ingress cvmanager has no hosts: name one/, 'ingress.enabled=true')
  await refused(t, /hooks\.secretName is not set: webhooks without a secret/, 'hooks.enabled=true')
  await refused(t, /hooks\.ingress is enabled without hooks\.enabled/, 'hooks.ingress.enabled=true')
  await refused(t, /registryCA has configMap and secret: name one/, 'registryCA.configMap=a', 'registryCA.secret=b')
  await refused(t, /add default to watchNamespaces/, 'autoUpdateCVM=true', 'watchNamespaces={shop}')
})

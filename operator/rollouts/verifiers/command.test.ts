import { test } from 'tap'
import type { Check } from '../../api/checks.ts'
import { imageOf } from '../plan/plan.fixture.ts'
import { raw } from '../workloads/contract.fixture.ts'
import { deployment } from '../workloads/deployment.ts'
import type { Selected } from '../workloads/select.ts'
import { statefulSet } from '../workloads/stateful-set.ts'
import { command } from './command.ts'
import { runOf, sourcesWith } from './verifier.fixture.ts'
import type { PodSight } from './verifier.ts'

const pods = '/api/v1/namespaces/shop/pods'
const v1 = imageOf('v1')
const v2 = imageOf('v2')

const template = {
  serviceAccountName: 'web',
  imagePullSecrets: [{ name: 'pull' }],
  nodeSelector: { disk: 'ssd' },
  securityContext: { fsGroup: 1000 },
  affinity: { nodeAffinity: { a: 1 }, podAntiAffinity: { b: 2 } },
  topologySpreadConstraints: [{ maxSkew: 1 }],
  subdomain: 'web',
  terminationGracePeriodSeconds: 30,
  volumes: [{ name: 'config', configMap: { name: 'web' } }],
  initContainers: [
    { name: 'prepare', image: v1, command: ['./prepare'] },
    { name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' },
    { name: 'migrate', image: v1, command: ['./migrate'], volumeMounts: [{ name: 'data', mountPath: '/data' }] },
    { name: 'late', image: 'late:1' },
  ],
  containers: [
    {
      name: 'web',
      image: v1,
      command: ['./serve'],
      args: ['--port', '80'],
      env: [{ name: 'A', value: 'b' }],
      envFrom: [{ secretRef: { name: 'web' } }],
      volumeMounts: [{ name: 'config', mountPath: '/config' }],
      ports: [{ containerPort: 80, hostPort: 80 }],
      livenessProbe: { httpGet: { port: 80 } },
      readinessProbe: { httpGet: { port: 80 } },
      startupProbe: { httpGet: { port: 80 } },
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
      resources: { requests: { cpu: '10m' } },
      securityContext: { runAsUser: 1000 },
    },
    { name: 'logger', image: 'logger:1' },
  ],
}

const object = raw({ template, metadata: { name: 'web' } })
const path = '/apis/apps/v1/namespaces/shop/deployments/web'

const candidate = (found: unknown = object, kind = deployment): Selected => {
  const stripped = kind.strip(found)
  return { object: stripped, containers: stripped.containers.filter(({ image }) => image === v1) }
}

async function made(
  check: Omit<Check, 'kind'>,
  candidates: readonly Selected[] = [candidate()],
  found: unknown = object,
) {
  const paths = [path, path.replace('deployments', 'statefulsets')]
  const answers = { [pods]: { items: [] }, ...Object.fromEntries(paths.map((each) => [each, found])) }
  const run = runOf({ kind: 'Command', command: ['./check', '--all'], ...check }, { candidates })
  return ((await command.observe(run, sourcesWith(answers).sources)) as PodSight).wanted
}

test('a command runs in the pod template of the workload with the image of the version', async (t) => {
  const { spec, metadata } = (await made({})) ?? {}
  t.match(spec, {
    serviceAccountName: 'web',
    imagePullSecrets: [{ name: 'pull' }],
    nodeSelector: { disk: 'ssd' },
    securityContext: { fsGroup: 1000 },
    volumes: [{ name: 'config' }],
    restartPolicy: 'Never',
    activeDeadlineSeconds: 300,
  })
  t.same(spec?.containers, [
    {
      name: 'web',
      image: v2,
      command: ['./check', '--all'],
      env: [{ name: 'A', value: 'b' }],
      envFrom: [{ secretRef: { name: 'web' } }],
      volumeMounts: [{ name: 'config', mountPath: '/config' }],
      resources: { requests: { cpu: '10m' } },
      securityContext: { runAsUser: 1000 },
    },
  ])
  t.same(spec?.affinity, { nodeAffinity: { a: 1 } }, 'nothing about other pods of the workload')
  for (const field of ['topologySpreadConstraints', 'subdomain']) t.notOk(field in (spec ?? {}), field)
  t.same(Object.keys(metadata?.labels ?? {}), ['cvmanager.io/check', 'cvmanager.io/containerversion'])
})

test('init containers come before it, with the image of the version where they get it; sidecars do not', async (t) => {
  const images = ({ spec }: NonNullable<Awaited<ReturnType<typeof made>>>) =>
    spec?.initContainers?.map(({ name, image }) => `${name} ${image}`)
  const web = await made({ container: 'web' })
  t.same(web && images(web), [`prepare ${v2}`, `migrate ${v2}`, 'late late:1'])
  const migrate = await made({ container: 'migrate' })
  t.same(migrate && images(migrate), [`prepare ${v2}`], 'those before it alone, if it is one of them')
  t.match(migrate?.spec?.containers, [{ name: 'migrate', image: v2, command: ['./check', '--all'] }])
  t.equal(migrate?.spec?.containers.length, 1)
})

test('B37 a container without resources gets the limits of the settings', async (t) => {
  const { spec } = (await made({ container: 'migrate' })) ?? {}
  t.same(spec?.containers[0]?.resources, { limits: { cpu: '500m', memory: '256Mi' } })
})

test('a volume claim of a StatefulSet is an empty volume', async (t) => {
  const { spec } = (await made({ container: 'migrate' }, [candidate(object, statefulSet)])) ?? {}
  t.same(spec?.volumes?.at(-1), { name: 'data', emptyDir: {} })
})

test('of several workloads the check must name one', async (t) => {
  const other = raw({ template, metadata: { name: 'api' } })
  const both = [candidate(), candidate(other)]
  await t.rejects(made({}, both), {
    name: 'NeedsChangeError',
    message: /several .*: Deployment\/web, Deployment\/api\. Name one/,
  })
  t.ok(await made({ workload: { kind: 'Deployment', name: 'web' } }, both))
  await t.rejects(made({ workload: { kind: 'Deployment', name: 'nothing' } }, both), {
    message: /no workload Deployment\/nothing; there are Deployment\/web \(web, prepare, migrate\)/,
  })
  await t.rejects(made({ container: 'logger' }), { message: /with a container logger that gets the image/ })
})

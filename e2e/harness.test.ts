import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import t from 'tap'
import { writeVerbs } from './harness/audit.ts'
import { type Cluster, type KubernetesObject, startCluster } from './harness/cluster.ts'
import { digestAnnotation } from './harness/pod-marks.ts'
import { startRegistry } from './harness/registry.ts'
import { until, untilValue } from './harness/until.ts'

const DIGEST = `sha256:${'a1'.repeat(32)}`

interface Pod {
  readonly metadata: { readonly name: string }
  readonly status: {
    readonly phase: string
    readonly containerStatuses?: readonly {
      readonly ready: boolean
      readonly imageID: string
      readonly restartCount: number
      readonly state: Record<
        string,
        { readonly reason?: string; readonly message?: string; readonly exitCode?: number }
      >
      readonly lastState: { readonly terminated?: { readonly exitCode: number } }
    }[]
  }
}

const template = (name: string, image: string, extra: object = {}) => ({
  metadata: { labels: { app: name }, annotations: { [digestAnnotation]: DIGEST } },
  spec: { containers: [{ name: 'main', image }], ...extra },
})

const deployment = (name: string, image: string): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: { replicas: 3, selector: { matchLabels: { app: name } }, template: template(name, image) },
})

const job = (name: string, image: string): KubernetesObject => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name, namespace: 'default' },
  spec: { backoffLimit: 0, template: template(name, image, { restartPolicy: 'Never' }) },
})

async function pods(cluster: Cluster, app: string): Promise<readonly Pod[]> {
  return (await cluster.kubectlJson<{ items: Pod[] }>('get', 'pods', '-l', `app=${app}`)).items
}

/** Waits for a pod that fits, and returns its first container's status. */
async function container(cluster: Cluster, app: string, fits: (pod: Pod) => boolean) {
  const seen = await untilValue(
    `a pod of ${app}`,
    () => pods(cluster, app),
    (all) => all.some(fits),
  )
  const pod = seen.find(fits)
  const status = pod?.status.containerStatuses?.[0]
  if (!pod || !status) throw new Error(`${app}: no container status in ${JSON.stringify(seen)}`)
  return { ...status, phase: pod.status.phase }
}

const waitsBecause = (reason: string) => (pod: Pod) =>
  pod.status.containerStatuses?.[0]?.state.waiting?.reason === reason

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('a cluster', async (t) => {
  const started = Date.now()
  const cluster = await startCluster({ nodes: 2 })
  t.teardown(() => cluster.stop())
  t.comment(`ready in ${Date.now() - started} ms`)

  await t.test('starts a Deployment of three pods, and rolls a new image out to all of them', async (t) => {
    await cluster.apply(deployment('web', 'registry.example.com:5000/shop/web:1.0'))
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=20s')
    const first = await container(cluster, 'web', () => true)
    t.match(first, { ready: true, phase: 'Running', imageID: `registry.example.com:5000/shop/web@${DIGEST}` })

    const other = `sha256:${'b2'.repeat(32)}`
    await cluster.kubectl('set', 'image', 'deployment/web', `main=registry.example.com:5000/shop/web:2.0@${other}`)
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=20s')
    const all = await untilValue(
      'the old pods to be gone',
      () => pods(cluster, 'web'),
      (now) => now.length === 3,
    )
    for (const pod of all) {
      t.equal(pod.status.containerStatuses?.[0]?.imageID, `registry.example.com:5000/shop/web@${other}`)
    }
  })

  await t.test('simulates failing pods by a word in the image', async (t) => {
    await cluster.apply(
      deployment('broken', `shop/web:broken-1@${DIGEST}`),
      deployment('crash', 'shop/web:crash-1'),
      deployment('hang', 'shop/web:0bad3bad0'),
      job('exit3', 'shop/check:exit3'),
      job('passes', 'shop/exchange:1.0'),
    )
    t.match(await container(cluster, 'broken', waitsBecause('ImagePullBackOff')), {
      phase: 'Pending',
      ready: false,
      imageID: '',
      state: { waiting: { message: /^Back-off pulling image "shop\/web:broken-1@sha256:.*not found$/ } },
    })
    t.match(await container(cluster, 'crash', waitsBecause('CrashLoopBackOff')), {
      phase: 'Running',
      ready: false,
      restartCount: 3,
      lastState: { terminated: { exitCode: 1 } },
    })
    t.match(await container(cluster, 'hang', (pod) => pod.status.phase === 'Running'), { ready: false })
    t.match(await container(cluster, 'exit3', (pod) => pod.status.phase === 'Failed'), {
      state: { terminated: { exitCode: 3 } },
    })
    await cluster.kubectl('wait', '--for=condition=Failed', 'job/exit3', '--timeout=15s')
    await cluster.kubectl('wait', '--for=condition=Complete', 'job/passes', '--timeout=15s')
  })

  await t.test('records in its audit log who did what', async (t) => {
    const namespace = await cluster.namespace('shop')
    const kubeconfig = await cluster.serviceAccountKubeconfig(namespace, 'ci')
    await t.rejects(cluster.kubectl('--kubeconfig', kubeconfig, 'create', 'configmap', 'x'), /cannot create resource/)
    await cluster.kubectl(
      'create',
      'rolebinding',
      'ci',
      '-n',
      namespace,
      '--clusterrole=edit',
      '--serviceaccount=shop:ci',
    )
    const create = ['--kubeconfig', kubeconfig, 'create', 'configmap', 'x', '--from-literal=a=b']
    await until('the role to be in force', async () => cluster.kubectl(...create))

    const filter = { user: 'system:serviceaccount:shop:ci', userAgent: /^kubectl\//, verbs: writeVerbs }
    const done = await cluster.auditLog({ ...filter, resource: 'configmaps' })
    t.equal(done[0]?.responseStatus?.code, 403)
    t.match(done.at(-1), {
      verb: 'create',
      stage: 'ResponseComplete',
      objectRef: { namespace: 'shop', name: 'x' },
      responseStatus: { code: 201 },
      requestObject: { data: { a: 'b' } },
    })
    t.same(await cluster.auditLog({ ...filter, since: Date.now() + 1_000 }), [])
  })

  await t.test('keeps its data when the API server is killed and started again', async (t) => {
    await cluster.stopApiServer()
    await t.rejects(cluster.request('GET', '/readyz'))
    await cluster.startApiServer()
    t.ok(cluster.processes.every((program) => program.running))
    await cluster.kubectl('scale', 'deployment/web', '--replicas=5')
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=30s')
    await cluster.kubectl('delete', 'namespace', 'shop', '--timeout=30s')
  })

  await t.test('leaves nothing behind after stop', async (t) => {
    const pids = cluster.processes.map((program) => program.pid)
    t.equal(pids.filter(isAlive).length, 5)
    await cluster.stop()
    t.same(pids.filter(isAlive), [])
    t.notOk(existsSync(cluster.directory))
  })
})

t.test('a test that is killed leaves nothing behind', async (t) => {
  const script = `
    import { startCluster } from '${import.meta.dirname}/harness/cluster.ts'
    import { startRegistry } from '${import.meta.dirname}/harness/registry.ts'
    const [cluster, registry] = await Promise.all([startCluster(), startRegistry()])
    const pids = [...cluster.processes, registry.process].map((program) => program.pid)
    console.log(JSON.stringify({ pids, directories: [cluster.directory, registry.directory] }))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const { pids, directories } = JSON.parse(await firstLine(child)) as { pids: number[]; directories: string[] }
  t.equal(pids.filter(isAlive).length, 6)
  t.ok(directories.every((directory) => existsSync(directory)))

  child.kill('SIGKILL')
  await untilValue(
    'the processes to end',
    () => pids.filter(isAlive),
    (alive) => alive.length === 0,
    5_000,
  )
  await untilValue(
    'the files to go',
    () => directories.filter(existsSync),
    (left) => left.length === 0,
    5_000,
  )
})

t.test('a test that ends without stopping what it started leaves nothing behind', async (t) => {
  const registry = await startRegistry()
  t.teardown(() => registry.stop())
  const script = `
    import { startRegistry } from '${import.meta.dirname}/harness/registry.ts'
    const registry = await startRegistry()
    console.log(JSON.stringify({ pid: registry.process.pid, directory: registry.directory }))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const { pid, directory } = JSON.parse(await firstLine(child)) as { pid: number; directory: string }
  t.equal(await ended, 0, 'the process ends by itself')
  await untilValue(
    'the registry to end',
    () => isAlive(pid),
    (alive) => !alive,
    5_000,
  )
  await untilValue(
    'its files to go',
    () => existsSync(directory),
    (there) => !there,
    5_000,
  )
  t.ok(registry.process.running, 'the registry of another process still runs')
})

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('The child has no standard output')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('The child ended without output')
}

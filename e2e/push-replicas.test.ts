/** Two replicas: a webhook works, whichever replica it reaches. The interval is an hour, so polls change nothing here. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { KubernetesObject } from './harness/cluster.ts'
import { freePort } from './harness/ports.ts'
import { until, untilValue } from './harness/until.ts'
import { type Bed, startBed } from './scenario/bed.ts'
import type { Operator } from './scenario/operator.ts'

const namespace = 'default'
const secret = 'correct-horse-battery-staple'
const annotation = 'cvmanager.io/webhook-address'

interface Replica {
  readonly operator: Operator
  readonly address: string
  /** Sends one webhook. */
  notify(image: string): Promise<{ readonly status: number; readonly text: string; readonly retryAfter: string | null }>
}

async function replica(bed: Bed, name: string, folder: string): Promise<Replica> {
  const address = `127.0.0.1:${await freePort()}`
  const port = address.split(':')[1] ?? ''
  const flags = ['--webhook-port', port, '--webhook-secrets-dir', folder, '--pod-ip', '127.0.0.1']
  const operator = await bed.operator({ name, flags })
  const notify = async (image: string) => {
    const answer = await fetch(`http://${address}/v1/hooks/cloudevents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ specversion: '1.0', id: '1', source: '/ci', type: 'pushed', data: { image } }),
    })
    return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') }
  }
  return { operator, address, notify }
}

const objects = (imageRepo: string): KubernetesObject[] => [
  {
    apiVersion: 'cvmanager.io/v1',
    kind: 'ContainerVersion',
    metadata: { name: 'web', namespace },
    spec: { imageRepo, tag: 'env-prod', selector: { app: 'web' }, pollIntervalSeconds: 3600 },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace, labels: { app: 'web' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: `${imageRepo}:0000000` }] },
      },
    },
  },
]

async function forwards(t: Test, bed: Bed, folder: string): Promise<void> {
  const { cluster, registry } = bed
  const imageRepo = registry.repository('shop/web')
  const image = `${imageRepo}:env-prod`
  const isUpToDate = (version: string) =>
    untilValue(
      `web to be up to date with ${version}`,
      () => cluster.kubectl('get', 'cv/web', '-o', 'jsonpath={.status.current.version} {.status.phase}'),
      (seen) => seen === `${version} UpToDate`,
      30_000,
    )
  const lease = () =>
    cluster.kubectlJson<{ metadata: { annotations?: Readonly<Record<string, string>> } }>(
      ...['get', 'lease', 'cvmanager', '-n', 'cvmanager'],
    )

  await registry.push('shop/web', ['1111111', 'env-prod'])
  const first = await replica(bed, 'first', folder)
  await first.operator.isAtWork()
  const second = await replica(bed, 'second', folder)
  await second.operator.stands()
  await cluster.apply(...objects(imageRepo))
  await isUpToDate('1111111')
  t.equal((await lease()).metadata.annotations?.[annotation], first.address)

  await t.test('the leader rolls out what a webhook announces to the standby', async (t) => {
    await registry.push('shop/web', ['2222222', 'env-prod'])
    t.match(await second.notify(image), { status: 202, text: '{"hints":1,"followed":1}' })
    await isUpToDate('2222222')
    t.notOk(await second.operator.leads())
    const metrics = await (await fetch(`http://127.0.0.1:${second.operator.port}/metrics`)).text()
    t.match(metrics, 'cvmanager_push_hints_total{kind="cloudevents",outcome="forwarded"} 1')
  })

  await t.test('without a leader the sender gets 503 and Retry-After, and succeeds later', async (t) => {
    await first.operator.stop('SIGKILL')
    t.match(await second.notify(image), { status: 503, retryAfter: '5' })
    await registry.push('shop/web', ['3333333', 'env-prod'])
    await until('the second to lead', () => second.operator.leads(), 30_000)
    await isUpToDate('3333333')
    t.equal((await lease()).metadata.annotations?.[annotation], second.address)

    const third = await replica(bed, 'third', folder)
    await third.operator.stands()
    await registry.push('shop/web', ['4444444', 'env-prod'])
    await until('the third to have read the Lease', async () => (await third.notify(image)).status === 202)
    await isUpToDate('4444444')
    for (const { operator } of [first, second, third]) t.notMatch(await operator.program.log(), secret)
  })
  if (!t.passing()) t.comment(await first.operator.program.log(), await second.operator.program.log())
}

t.test('push to several replicas', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cvm-e2e-hooks-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'cloudevents'), secret)
  const bed = await startBed(t)
  // The replicas have the rights of deploy/rbac.yaml alone.
  await forwards(t, bed, folder)
})

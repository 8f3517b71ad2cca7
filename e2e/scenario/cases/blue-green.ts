import type { Test } from 'tap'
import type { AuditEvent } from '../../harness/audit.ts'
import { type Bed, operatorUser } from '../bed.ts'
import { type Build, build } from '../builds.ts'
import type { Operator } from '../operator.ts'
import { type AddTest, emptyWorld } from '../scenario.ts'
import type { World } from '../world.ts'

const [v1, v2] = ['v1.0.0', 'v1.1.0'].map((name) => build(name)) as [Build, Build]
export const otherSide = (color: string): string => (color === 'blue' ? 'green' : 'blue')

/**
 * examples/blue-green, with a tag that points to v1.0.0; returns once a side serves exactly that image.
 * @param spec what else it says from then on
 * @param start starts an operator of its own for this namespace
 */
export async function blueGreenExample(
  t: Test,
  bed: Bed,
  spec: object = {},
  start?: (namespace: string) => Promise<Operator>,
): Promise<{ world: World; live: string; operator: Operator | undefined }> {
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', v1)
  await world.appliesExample('blue-green/shop.yaml')
  const operator = await start?.(world.namespace)
  await world.runs(v1, 'web')
  await world.kubectl('patch', 'containerversion', 'web', '--type=merge', '-p', JSON.stringify({ spec }))
  return { world, live: await colorOf(world), operator }
}

interface RawService {
  readonly metadata: { readonly uid: string }
  readonly spec: { readonly selector: Readonly<Record<string, string>> }
}

const servicePath = ({ namespace }: World, name: string) => `/api/v1/namespaces/${namespace}/services/${name}`

export async function colorOf(world: World, service = 'web'): Promise<string> {
  return (await world.bed.client.get<RawService>(servicePath(world, service))).spec.selector.color ?? ''
}

/** Points a Service at a side, as a person does. */
export async function pointsByHand(world: World, color: string, service = 'web'): Promise<void> {
  const patch = { spec: { selector: { color } } }
  await world.bed.client.mergePatch(servicePath(world, service), patch, { query: { fieldManager: 'kubectl-patch' } })
}

export async function replicasOf(world: World, color: string): Promise<number> {
  return (await world.get<{ spec: { replicas: number } }>('Deployment', `web-${color}`)).spec.replicas
}

/** The switches of users so far, by the API server's audit log. */
export async function switchesOf({ bed, namespace }: World, service = 'web'): Promise<readonly AuditEvent[]> {
  const writes = await bed.cluster.auditLog({
    user: operatorUser,
    verbs: ['patch', 'update'],
    resource: 'services',
    namespace,
    name: service,
  })
  return writes.filter(({ responseStatus }) => responseStatus?.code === 200)
}

/** examples/blue-green: a new version goes to the side without users. */
export function blueGreen(test: AddTest, bed: Bed): void {
  test('users are switched once to a side whose pods are all ready, and the old side is scaled down later', async (t) => {
    const { world, live } = await blueGreenExample(t, bed)
    const idle = otherSide(live)
    const before = (await switchesOf(world)).length
    await world.ciMoves('env-prod', v2)
    await world.sees(`web-${idle}`, v2)
    t.equal(await colorOf(world), live, 'users stay meanwhile')
    await world.waitsFor('the switch', async () => (await colorOf(world)) === idle)
    t.equal(world.now('Deployment', `web-${idle}`)?.ready, 2, 'with all its pods ready')
    t.equal(await colorOf(world, 'web-preview'), idle)
    t.equal(await replicasOf(world, live), 2, 'the old side still runs')
    await world.runs(v2, 'web')
    t.equal(await replicasOf(world, live), 0)
    const switches = (await switchesOf(world)).slice(before)
    t.equal(switches.length, 1)
    t.match(switches, [{ requestObject: { spec: { selector: { color: idle } } } }], 'only that label')
    t.match(world.now('Deployment', `web-${live}`)?.images, [world.imageOf(v1)], 'the old side keeps its version')
    await world.waitsForEvent('ContainerVersion/web', 'ServiceSwitched')
    const parts = bed.sightings.of('ContainerVersion', world.namespace, 'web').map(({ status }) => status.rollout?.step)
    t.same([...new Set(parts.slice(-20).flatMap((step) => step?.name ?? []))], ['preview', 'switch', 'scale down'])
  })

  test('B30 the side without users runs another version: that is no drift, and nothing is switched again', async (t) => {
    const { world } = await blueGreenExample(t, bed)
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    const [switches, patches] = [(await switchesOf(world)).length, await allPatches(world)]
    await world.pollsAgain(4)
    for (let times = 1; times <= 200; times += 1) {
      const annotations = { 'example.com/looked-at': `${times}` }
      await world.changes('ContainerVersion', 'web', { metadata: { annotations } })
    }
    await world.pollsAgain(1)
    t.equal((await switchesOf(world)).length, switches)
    t.equal(await allPatches(world), patches)
    t.match(await world.status('web'), { phase: 'UpToDate', current: { version: 'v1.1.0' }, drifts: undefined })
  })

  test('B35 a version whose pods never become ready gets no users, and the idle side is as before', async (t) => {
    const { world, live } = await blueGreenExample(t, bed, { timeoutSeconds: 6 })
    const idle = otherSide(live)
    const switches = (await switchesOf(world)).length
    const idleBefore = await replicasOf(world, idle)
    await setImageMark(world, 'hang')
    await world.becomes('RolledBack', { of: 'web' })
    t.equal(await colorOf(world), live)
    t.equal((await switchesOf(world)).length, switches)
    t.equal(await replicasOf(world, idle), idleBefore)
    t.match(await world.status('web'), { current: { digest: v1.digest } })
  })

  test('B35 a side that fails while the old one still runs is left with one switch back', async (t) => {
    const blueGreen = { scaleDownDelaySeconds: 60 }
    const { world, live } = await blueGreenExample(t, bed, { timeoutSeconds: 15, strategy: { blueGreen } })
    const idle = otherSide(live)
    const [switches, before] = [(await switchesOf(world)).length, world.now('Deployment', `web-${idle}`)?.images]
    await world.ciMoves('env-prod', v2)
    await world.waitsFor('the old side to wait for its end', () => partOf(world) === 'scale down')
    await becomesUnready(world, idle)
    await world.becomes('RolledBack', { of: 'web' })
    t.equal((await switchesOf(world)).length, switches + 2, 'there and back')
    t.equal(await colorOf(world), live)
    t.same([await replicasOf(world, live), await replicasOf(world, idle)], [2, 0])
    t.same(world.now('Deployment', `web-${idle}`)?.images, before, 'the exact image')
    await world.waitsForEvent('ContainerVersion/web', 'ServiceSwitchedBack')
    t.match(await world.status('web'), { current: { digest: v1.digest }, quarantined: [{ digest: v2.digest }] })
  })

  test('B31 an evicted pod does not keep users from a side whose other pods are ready', async (t) => {
    const { world, live } = await blueGreenExample(t, bed)
    const idle = otherSide(live)
    await world.kubectl('scale', 'deployment', `web-${idle}`, '--replicas=2')
    await world.waitsFor('the idle side to run', () => world.now('Deployment', `web-${idle}`)?.ready === 2)
    await evictsOne(world, idle)
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    t.equal(await colorOf(world), idle)
  })

  test('whoever points the Service elsewhere in the middle is respected', async (t) => {
    const { world, live } = await blueGreenExample(t, bed)
    const idle = otherSide(live)
    await world.kubectl('patch', 'deployment', `web-${idle}`, '--type=merge', '-p', unschedulable)
    await world.ciMoves('env-prod', v2)
    await world.sees(`web-${idle}`, v2)
    await pointsByHand(world, 'maintenance')
    await world.becomes('Stalled', { of: 'web' })
    t.equal(await colorOf(world), 'maintenance')
    await world.waitsFor('the replicas to be as before', async () => (await replicasOf(world, idle)) === 0)
    const [last] = (await world.status('web')).rollouts ?? []
    t.match(last, { outcome: 'Aborted', reason: 'ServiceChanged' })
    t.not(world.now('Deployment', `web-${idle}`)?.images[0], world.imageOf(v2))
  })

  test('a change of the Service while nothing rolls out is noticed at once, and the version of the tag comes back', async (t) => {
    const { world, live } = await blueGreenExample(t, bed, { strategy: { blueGreen: { scaleDown: false } } })
    await world.ciMoves('env-prod', v2)
    await world.runs(v2, 'web')
    const polls = world.polls()
    await pointsByHand(world, live)
    await world.waitsFor('a rollout', () => world.now('ContainerVersion', 'web')?.status.rollout !== undefined, 4_000)
    t.ok(world.polls() <= polls + 1, 'the watch said so, and no poll')
    await world.waitsFor('the switch', async () => (await colorOf(world)) === otherSide(live))
    await world.waitsFor('the end', () => world.now('ContainerVersion', 'web')?.status.phase === 'UpToDate')
  })

  test('B32 B34 a live side that is scaled in the middle is caught up with before users are switched', async (t) => {
    const { world, live } = await blueGreenExample(t, bed)
    const idle = otherSide(live)
    await world.kubectl('patch', 'deployment', `web-${idle}`, '--type=merge', '-p', unschedulable)
    await world.ciMoves('env-prod', v2)
    await world.sees(`web-${idle}`, v2)
    await world.kubectl('scale', 'deployment', `web-${live}`, '--replicas=4')
    await world.kubectl('patch', 'deployment', `web-${idle}`, '--type=json', '-p', schedulable)
    await world.waitsFor('the switch', async () => (await colorOf(world)) === idle)
    t.equal(world.now('Deployment', `web-${idle}`)?.ready, 4)
    await world.runs(v2, 'web')
  })

  test('an autoscaler of the idle side is heeded: its minimum is kept, and its maximum must do', async (t) => {
    const { world, live } = await blueGreenExample(t, bed)
    const idle = otherSide(live)
    await world.kubectl('autoscale', 'deployment', `web-${idle}`, '--min=1', '--max=1', '--cpu-percent=80')
    await world.ciMoves('env-prod', v2)
    await world.becomes('Stalled', { of: 'web', reason: 'AutoscalerTooLow' })
    t.equal(await colorOf(world), live)
    await world.kubectl(
      'patch',
      'hpa',
      `web-${idle}`,
      '--type=merge',
      '-p',
      '{"spec":{"minReplicas":3,"maxReplicas":5}}',
    )
    await world.runs(v2, 'web')
    t.equal(await replicasOf(world, idle), 3)
  })
}

const nowhere = { spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': 'nowhere' } } } } }
const unschedulable = JSON.stringify(nowhere)
const schedulable = JSON.stringify([{ op: 'remove', path: '/spec/template/spec/nodeSelector' }])

const allPatches = async (world: World) =>
  (await world.imagePatches('web-blue')) + (await world.imagePatches('web-green'))

/** CI moves the tag to a version with this mark in its name. */
async function setImageMark(world: World, mark: string): Promise<void> {
  const marked = build(mark)
  await world.kubectl('patch', 'containerversion', 'web', '--type=merge', '-p', `{"spec":{"versionSyntax":"${mark}"}}`)
  await world.ciMoves('env-prod', marked)
}

const partOf = (world: World) => world.now('ContainerVersion', 'web')?.status.rollout?.step?.name

/** As a kubelet under pressure does. */
async function evictsOne(world: World, color: string): Promise<void> {
  const [name = ''] = await podsOf(world, color)
  const status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }
  await world.bed.client.mergePatch(podPath(world, name), { status })
  await world.waitsFor('another pod in its place', async () => (await podsOf(world, color)).length > 2)
}

/** As a kubelet does when their probes fail. */
async function becomesUnready(world: World, color: string): Promise<void> {
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({
    type,
    status: 'False',
    reason: 'ContainersNotReady',
  }))
  for (const name of await podsOf(world, color))
    await world.bed.client.strategicPatch(podPath(world, name), { status: { conditions } })
}

const podPath = ({ namespace }: World, name: string) => `/api/v1/namespaces/${namespace}/pods/${name}/status`

async function podsOf({ bed, namespace }: World, color: string): Promise<readonly string[]> {
  const query = { labelSelector: `color=${color}` }
  const path = `/api/v1/namespaces/${namespace}/pods`
  const { items } = await bed.client.get<{ items: readonly { metadata: { name: string } }[] }>(path, { query })
  return items.map(({ metadata }) => metadata.name)
}

/** A cluster in which the program of 2018 is at work, before and after a move. */
import type { Test } from 'tap'
import type { Bed } from './bed.ts'
import { v1 } from './builds.ts'
import { managersOwnObject, oldManager, oldObjects, oldSyncer, oldWorkloads } from './old-program.ts'
import { emptyWorld } from './scenario.ts'
import type { World } from './world.ts'

interface Item {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation?: number }
  readonly spec: { readonly replicas?: number; readonly template?: object }
}

/** A namespace in which the old program is at work, and its manager. */
export async function oldWorld(t: Test, bed: Bed): Promise<World> {
  const { cluster } = bed
  const world = await emptyWorld(t, bed)
  await world.ciMoves('env-prod', v1)
  await cluster.apply(...oldWorkloads(world, v1), oldManager())
  await cluster.applyText(oldObjects(world))
  await cluster.applyText(managersOwnObject)
  await cluster.apply(await oldSyncer(world, 'web-cv'), await oldSyncer(world, 'early-cv'))
  await world.waitsFor('all pods to be there', async () => {
    const { items } = await cluster.kubectlJson<{ items: readonly Running[] }>('get', 'pods', '-n', world.namespace)
    return items.length === 8 && items.every(({ status }) => status.phase === 'Running')
  })
  return world
}

interface Running {
  readonly status: { readonly phase: string }
}

const itemsOf = async (
  { bed, namespace }: World,
  kinds: string,
  ...flags: readonly string[]
): Promise<readonly Item[]> =>
  (await bed.cluster.kubectlJson<{ items: readonly Item[] }>('get', kinds, '-n', namespace, ...flags)).items

/** Everything that must stay as it is, and what there is of the old program. */
export async function seen(world: World) {
  const pods = await itemsOf(world, 'pods', '-l', 'app!=cr-syncer')
  const workloads = await itemsOf(world, 'deployments,statefulsets')
  const manager = await world.bed.cluster.kubectlJson<{ items: readonly Item[] }>(
    ...['get', 'deployments', '-n', 'kube-system', '-l', 'app=cvmanager'],
  )
  const isSyncer = ({ metadata }: Item) => metadata.name.startsWith('crsync-')
  return {
    pods: Object.fromEntries(pods.map(({ metadata }) => [metadata.name, metadata.uid])),
    workloads: workloads
      .filter((one) => !isSyncer(one))
      .map(({ metadata, spec }) => [metadata.name, metadata.generation, spec.template]),
    syncers: workloads.filter(isSyncer).map(({ metadata }) => metadata.name),
    manager: manager.items[0]?.spec.replicas,
  }
}

export async function isMoved(t: Test, world: World, hasManager = true): Promise<void> {
  const { pods, syncers, manager } = await seen(world)
  t.same([Object.keys(pods).length, syncers, manager], [6, [], hasManager ? 0 : undefined])
  const names = (plural: string) => world.kubectl('get', plural, '-o', 'jsonpath={.items[*].metadata.name}')
  t.equal(await names('containerversions.cvmanager.io'), 'carts early-cv web-cv')
  // Orphaning what they might own takes a moment.
  await world.waitsFor('the old objects to be gone', async () => {
    return (await names('containerversions.custom.k8s.io')) === '' && (await names('kcds.custom.k8s.io')) === ''
  })
  const early = await world.bed.cluster.kubectlJson<{ spec: object }>(
    ...['get', 'containerversions.cvmanager.io', 'early-cv', '-n', world.namespace],
  )
  t.match(early.spec, { selector: { app: 'early' }, container: { name: 'main' }, pollIntervalSeconds: 60 })
}

/** The moves are about the whole cluster, so each test begins with one old installation. */
export async function cleared({ bed, namespace }: World): Promise<void> {
  const { cluster } = bed
  const all = 'containerversions.custom.k8s.io,kcds.custom.k8s.io,containerversions.cvmanager.io'
  for (const where of [namespace, 'kube-system']) await cluster.kubectl('delete', all, '--all', '-n', where)
  await cluster.kubectl('delete', 'deployments,statefulsets', '--all', '-n', namespace)
}

import { deployments, inParallel, type World } from './world.ts'

/** Names of so many Deployments that no ContainerVersion has anything to do with. */
export async function prepareBare(world: World, count: number): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, index) => `bare-${index}`)
  await inParallel(names, async (name) => {
    await world.addDeployment(name, 'bare:0').catch((error: unknown) => {
      // There from the last time.
      if (!String(error).includes('AlreadyExists')) throw error
    })
  })
  return names
}

let patches = 0

/** A new image, and nothing else. */
export async function patchBare(world: World, name: string): Promise<void> {
  const operation = { op: 'replace', path: '/spec/template/spec/containers/0/image', value: `bare:${++patches}` }
  await world.api.jsonPatch(`${deployments}/${name}`, [operation])
}

/** Adds a finalizer in one round, removes it in the next. */
export async function setFinalizer(world: World, name: string, round: number): Promise<void> {
  const value = round % 2 === 0 ? ['cvmanager.io/bench'] : []
  await world.api.jsonPatch(`${deployments}/${name}`, [{ op: 'add', path: '/metadata/finalizers', value }])
}

let statuses = 0

/** Counts on, since the API server accepts no smaller count. */
export async function setStatus(world: World, name: string): Promise<void> {
  const operation = { op: 'add', path: '/status/collisionCount', value: ++statuses }
  await world.api.jsonPatch(`${deployments}/${name}/status`, [operation])
}

/** How long the API server takes to give each of these a new image, so many at a time. */
export async function patchAllBare(world: World, names: readonly string[], atATime: number): Promise<number> {
  const before = performance.now()
  await inParallel(names, (name) => patchBare(world, name), atATime)
  return performance.now() - before
}

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { mediaTypes } from '../e2e/harness/images.ts'
import { RunningProgram } from '../e2e/harness/processes.ts'
import { median } from './figures.ts'
import { deployments, pollPathOf, type World } from './world.ts'

/** What the machine itself takes now, for one request each, in milliseconds: the least that any operator can take. */
export interface Floor {
  readonly headMs: number
  readonly patchMs: number
}

const times = 200
/** For the controllers of the control plane to be done with what a patch brings about. */
const pauseMs = 25
const name = 'floor'

/** A process that does nothing but poll as often as so many tags are polled (bare-poller.ts). */
export function startBarePoller({ cluster, registry, names }: World, intervalSeconds: number): RunningProgram {
  const url = `http://${registry.host}${pollPathOf(names[0] ?? '')}`
  const meanPauseMs = (intervalSeconds * 1_000) / names.length
  return new RunningProgram({
    name: 'bare-poller',
    path: process.execPath,
    args: [fileURLToPath(new URL('bare-poller.ts', import.meta.url)), url, `${meanPauseMs}`],
    directory: cluster.directory,
    logFile: join(cluster.directory, 'bare-poller.log'),
  })
}

/** The median of one HEAD by the registry's door, and of one PATCH of a Deployment's image. */
export async function measureFloor(world: World): Promise<Floor> {
  const { api, registry, names } = world
  await world.addDeployment(name, 'floor:0').catch((error: unknown) => {
    // There from the last time.
    if (!String(error).includes('AlreadyExists')) throw error
  })
  const agent = new Agent({ connections: 1 })
  const url = `http://${registry.host}${pollPathOf(names[0] ?? '')}`
  const heads: number[] = []
  const patches: number[] = []
  try {
    for (let round = 0; round < times; round++) {
      heads.push(await timed(() => head(url, agent)))
      const value = `floor:${Date.now()}-${round}`
      const operation = { op: 'replace', path: '/spec/template/spec/containers/0/image', value }
      patches.push(await timed(() => api.jsonPatch(`${deployments}/${name}`, [operation])))
      await sleep(pauseMs)
    }
  } finally {
    await agent.destroy()
  }
  return { headMs: median(heads), patchMs: median(patches) }
}

async function head(url: string, dispatcher: Agent): Promise<void> {
  // A registry takes a client that does not say so for one that knows no OCI manifests.
  const headers = { accept: mediaTypes.oci.manifest }
  // undici closes the connection after a HEAD unless told not to.
  const { statusCode, body } = await request(url, { method: 'HEAD', headers, dispatcher, reset: false })
  await body.dump()
  if (statusCode !== 200) throw new Error(`HEAD ${url} was answered with ${statusCode}`)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

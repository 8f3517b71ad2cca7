import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Agent, request } from 'undici'
import { mediaTypes } from '../e2e/harness/images.ts'
import { RunningProgram } from '../e2e/harness/processes.ts'
import { patchBare, prepareBare, setFinalizer, setStatus } from './bare-patches.ts'
import { type Figure, median } from './figures.ts'
import { pollPathOf } from './layouts.ts'
import type { World } from './world.ts'

/**
 * What the machine itself takes now for one request each, in milliseconds. Together they are the least that an operator
 * can take from a push to the new image: it polls, records the rollout by finalizer and status, and then patches.
 */
export interface Floor {
  readonly headMs: number
  readonly finalizerMs: number
  readonly statusMs: number
  readonly patchMs: number
}

const times = 100
/** For the controllers of the control plane to be done with what a patch brings about. */
const pauseMs = 25

/** A process that does nothing but poll as often as so many tags are polled (bare-poller.ts). */
export function startBarePoller(world: World, intervalSeconds: number): RunningProgram {
  const { directory } = world.cluster
  const meanPauseMs = (intervalSeconds * 1_000) / world.targets.length
  return new RunningProgram({
    name: 'bare-poller',
    path: process.execPath,
    args: [fileURLToPath(new URL('bare-poller.ts', import.meta.url)), pollUrl(world), `${meanPauseMs}`],
    directory,
    logFile: join(directory, 'bare-poller.log'),
  })
}

/** Medians. The writes are of a Deployment, so that no operator reacts to them. */
export async function measureFloor(world: World): Promise<Floor> {
  const [name = ''] = await prepareBare(world, 1)
  const agent = new Agent({ connections: 1 })
  const heads: number[] = []
  const finalizers: number[] = []
  const statuses: number[] = []
  const patches: number[] = []
  try {
    for (let round = 0; round < times; round++) {
      heads.push(await timed(() => head(pollUrl(world), agent)))
      finalizers.push(await timed(() => setFinalizer(world, name, round)))
      statuses.push(await timed(() => setStatus(world, name)))
      patches.push(await timed(() => patchBare(world, name)))
      await sleep(pauseMs)
    }
  } finally {
    await agent.destroy()
  }
  const [headMs, finalizerMs, statusMs, patchMs] = [heads, finalizers, statuses, patches].map(median)
  return { headMs: headMs ?? 0, finalizerMs: finalizerMs ?? 0, statusMs: statusMs ?? 0, patchMs: patchMs ?? 0 }
}

export const sumOf = ({ headMs, finalizerMs, statusMs, patchMs }: Floor): number =>
  headMs + finalizerMs + statusMs + patchMs

export const floorFigure = (floor: Floor): Figure => ({
  name: 'floor: HEAD, finalizer, status, PATCH',
  unit: 'ms',
  value: sumOf(floor),
  note: [
    `HEAD ${floor.headMs.toFixed(1)}`,
    `finalizer ${floor.finalizerMs.toFixed(1)}`,
    `status ${floor.statusMs.toFixed(1)}`,
    `PATCH ${floor.patchMs.toFixed(1)}`,
  ].join(', '),
})

function pollUrl({ registry, targets }: World): string {
  const [first] = targets
  if (!first) throw new Error('No tag is followed in this world')
  return `http://${registry.host}${pollPathOf(first)}`
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

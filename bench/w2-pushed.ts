import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../e2e/harness/ports.ts'
import { type Figure, type FigureSet, median, quantile } from './figures.ts'
import type { Floor } from './floor.ts'
import { ImageWatch } from './image-watch.ts'
import { Operator } from './operator.ts'
import { followedTag, isPoll, repositoryOf, type World } from './world.ts'

/** No poll finds a change within the run. */
const intervalSeconds = 3_600
const patienceMs = 20_000
const meanPauseMs = 250
const restMs = 3_000
const requestsPerSecond = 10_000
const secret = 'a-secret-of-this-benchmark-alone'

/**
 * W2, pushed: one tag moves at a time, and the registry's notification of it is sent to the webhook at once. The clock
 * runs from the sending of the notification to the new image in a watch.
 */
export async function onePushedChange(
  world: World,
  changes: number,
  measureFloor: () => Promise<Floor>,
): Promise<FigureSet> {
  const port = await freePort()
  world.registry.forget()
  const operator = Operator.start(world, { intervalSeconds, requestsPerSecond, webhook: { port, secret } })
  const watch = await ImageWatch.start(world.api)
  try {
    await operator.until('a look at each tag', () => {
      const looked = new Set(world.registry.requests.filter(isPoll).map(({ path }) => path))
      return looked.size >= world.names.length
    })
    // What the looks brought to light is written down before the first change.
    await sleep(restMs)
    const floor = await measureFloor()
    world.registry.forget()
    const latencies: number[] = []
    for (let index = 0; index < changes; index += 1) {
      const name = world.names[Math.floor(Math.random() * world.names.length)] ?? ''
      const latency = await change(world, watch, name, port)
      if (latency !== undefined) latencies.push(latency)
      await sleep(-Math.log(1 - Math.random()) * meanPauseMs)
    }
    const looks = world.registry.requests.filter(isPoll).length
    const floorMs = floor.headMs + floor.patchMs
    const figures: Figure[] = [
      { name: 'tags moved, and told by webhook', value: changes },
      { name: 'of them, not seen in time', value: changes - latencies.length, mark: { atMost: 0 } },
      { name: 'floor: one HEAD and one PATCH', unit: 'ms', value: floorMs },
      { name: 'webhook to patch, p50', unit: 'ms', value: median(latencies) },
      {
        name: 'webhook to patch, p50 to the floor',
        unit: 'times',
        value: median(latencies) / floorMs,
        mark: { atMost: 1.5 },
      },
      { name: 'webhook to patch, p99', unit: 'ms', value: quantile(latencies, 0.99), mark: { atMost: 50 } },
      { name: 'looks at the tag', unit: 'a change', value: looks / changes },
    ]
    return { workload: 'W2 pushed', n: world.names.length, figures }
  } finally {
    await watch.stop()
    await operator.stop()
  }
}

/** @returns milliseconds from the notification to the image in the watch */
async function change(world: World, watch: ImageWatch, name: string, port: number): Promise<number | undefined> {
  const digest = await world.pushVersion(name)
  await world.registry.tag(repositoryOf(name), digest, followedTag)
  const target = { repository: repositoryOf(name), tag: followedTag, digest }
  const sentAt = Date.now()
  const seen = watch.seen(name, digest, patienceMs)
  const answer = await fetch(`http://127.0.0.1:${port}/v1/hooks/distribution?host=${world.registry.host}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/vnd.docker.distribution.events.v2+json',
    },
    body: JSON.stringify({ events: [{ action: 'push', target, request: { host: world.registry.host } }] }),
  })
  if (answer.status !== 202) throw new Error(`the webhook answered ${answer.status}: ${await answer.text()}`)
  const seenAt = await seen
  return seenAt === undefined ? undefined : seenAt - sentAt
}

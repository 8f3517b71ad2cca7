import { setTimeout as sleep } from 'node:timers/promises'
import { type FigureSet, median, quantile } from './figures.ts'
import { untilUpToDate, withOperator } from './with-operator.ts'
import { World } from './world.ts'

const intervalSeconds = 60
/** For the heap and the first polls to be what they stay. */
const restMs = 5_000
const times = 20
const probeEveryMs = 5

/** W11: GET /v1/cv/workloads with N workloads, and how long other requests wait for the operator's loop meanwhile. */
export async function workloadList(n: number): Promise<FigureSet> {
  return await World.with({}, async (world) => {
    await world.growTo(n)
    const flags = ['--anonymous-reads']
    return await withOperator(world, { intervalSeconds, flags }, async (operator) => {
      await untilUpToDate(world, operator, n)
      await sleep(restMs)
      const origin = `http://127.0.0.1:${await operator.port()}`
      const read = async (path: string) => {
        const began = performance.now()
        const text = await (await fetch(`${origin}${path}`)).text()
        return { ms: performance.now() - began, text }
      }
      const rows = JSON.parse((await read('/v1/cv/workloads')).text).length
      if (rows !== n) throw new Error(`${rows} rows instead of ${n}`)
      const took = async (path: string) => {
        const all: number[] = []
        for (let time = 0; time < times; time++) all.push((await read(path)).ms)
        return all
      }
      const idle = await probing(read, async () => {
        await sleep(restMs)
      })
      const cpuBefore = await operator.cpuMs()
      let lists: readonly number[] = []
      const busy = await probing(read, async () => {
        lists = await took('/v1/cv/workloads')
      })
      const cpuMs = ((await operator.cpuMs()) - cpuBefore) / times
      const pages = await took('/v1/cv/workloads?format=html')
      return {
        workload: 'W11',
        n,
        figures: [
          { name: 'GET /v1/cv/workloads, p50', unit: 'ms', value: median(lists), mark: { atMost: 300 } },
          { name: 'GET /v1/cv/workloads, longest', unit: 'ms', value: Math.max(...lists), mark: { atMost: 300 } },
          { name: '… CPU of the operator, each', unit: 'ms', value: cpuMs },
          { name: '… as HTML, p50', unit: 'ms', value: median(pages), mark: { atMost: 300 } },
          { name: 'GET /alive, nothing else, p99', unit: 'ms', value: quantile(idle, 0.99) },
          { name: 'GET /alive, while lists are read, p99', unit: 'ms', value: quantile(busy, 0.99) },
        ],
      }
    })
  })
}

/** How long `/alive` takes, again and again, while something goes on: an answer waits for what holds the loop. */
async function probing(
  read: (path: string) => Promise<{ readonly ms: number }>,
  work: () => Promise<void>,
): Promise<readonly number[]> {
  const probes: number[] = []
  let ended = false
  const probe = async () => {
    while (!ended) {
      probes.push((await read('/alive')).ms)
      await sleep(probeEveryMs)
    }
  }
  await Promise.all([probe(), work().finally(() => (ended = true))])
  return probes
}

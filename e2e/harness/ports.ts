import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// These ports lie below the range that kernels use for outgoing connections (Linux: from 32768). So no connection can take
// the port before the program listens on it.
const LOWEST = 15_000
const HIGHEST = 32_000
const ATTEMPTS = 50

const assigned = new Set<number>()

/** Returns a TCP port that nothing listens on at the loopback address, and that this process has not returned before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (assigned.has(port) || !(await isFree(port))) continue
    assigned.add(port)
    return port
  }
  throw new Error(`No free port found on 127.0.0.1 between ${LOWEST} and ${HIGHEST} in ${ATTEMPTS} attempts`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

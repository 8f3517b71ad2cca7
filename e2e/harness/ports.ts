import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the range from which kernels take source ports for outgoing connections (Linux: from 32768), so that no
// connection can sit on the port between now and the moment the program listens on it.
const LOWEST = 15_000
const HIGHEST = 32_000
const ATTEMPTS = 50

const given = new Set<number>()

/** A TCP port on which nothing listens on the loopback address, and which this process has not given out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
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

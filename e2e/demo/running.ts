import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { watchDirectory } from '../harness/watchdog.ts'
import { checkout } from './shell.ts'

/** What `node e2e/demo.ts push` has to know of the demo that runs in another terminal. */
export interface RunningDemo {
  readonly pid: number
  readonly registryOrigin: string
  readonly simulated: boolean
  readonly architectures: readonly string[]
}

const file = join(checkout, 'dist', 'demo.json')

/** @returns what takes it back */
export function announce(demo: Omit<RunningDemo, 'pid'>): () => void {
  writeFileSync(file, JSON.stringify({ ...demo, pid: process.pid }), { mode: 0o600 })
  // Also where this process is killed.
  watchDirectory(file)
  return () => rmSync(file, { force: true })
}

/** The demo of this checkout, if it runs. */
export function runningDemo(): RunningDemo | undefined {
  try {
    const demo = JSON.parse(readFileSync(file, 'utf8')) as RunningDemo
    process.kill(demo.pid, 0)
    return demo
  } catch {
    return undefined
  }
}

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { watchDirectory } from '../harness/watchdog.ts'
import { checkout } from './shell.ts'

/** What `node e2e/demo.ts push` needs to know about the demo that runs in another terminal. */
export interface RunningDemo {
  readonly pid: number
  readonly registryOrigin: string
  readonly simulated: boolean
  readonly architectures: readonly string[]
}

const file = join(checkout, 'dist', 'demo.json')

/** @returns a function that withdraws the announcement */
export function announce(demo: Omit<RunningDemo, 'pid'>): () => void {
  writeFileSync(file, JSON.stringify({ ...demo, pid: process.pid }), { mode: 0o600 })
  // Removes the file also if this process is killed.
  watchDirectory(file)
  return () => rmSync(file, { force: true })
}

/** Returns the running demo of this checkout, if there is one. */
export function runningDemo(): RunningDemo | undefined {
  try {
    const demo = JSON.parse(readFileSync(file, 'utf8')) as RunningDemo
    process.kill(demo.pid, 0)
    return demo
  } catch {
    return undefined
  }
}

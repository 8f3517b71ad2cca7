import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 500

/** Runs the work while no other process of this machine holds the lock. A lock whose holder has died is taken over. */
export async function withLock<T>(path: string, onWait: (holder: number) => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true })
  for (let told = false; !acquire(path); ) {
    const holder = holderOf(path)
    if (holder === undefined) {
      rmSync(path, { force: true })
      continue
    }
    if (!told) onWait(holder)
    told = true
    await sleep(PAUSE_MS)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

function acquire(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** The process that holds the lock, if it is still there. */
function holderOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    return isRunning(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

export function isRunning(pid: number): boolean {
  // Zero and below would name groups of processes.
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process is there too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

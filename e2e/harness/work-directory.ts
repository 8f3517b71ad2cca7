import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watchDirectory } from './watchdog.ts'

/** Creates a private directory (mode 0700) that is removed when this process ends, however it ends. */
export async function makeWorkDirectory(purpose: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `cvmanager-e2e-${purpose}-`))
  watchDirectory(path)
  return path
}

export async function removeWorkDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

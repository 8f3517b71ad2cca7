/**
 * Builds promtool, which checks the alert rules. It has a module of its own: its dependencies would change the versions of the
 * control plane's, and a newer Prometheus would build the whole test bed again.
 */
import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { go } from './go.ts'
import { withLock } from './lock.ts'
import { cacheRoot } from './programs.ts'

const module = join(import.meta.dirname, 'promtool')
const promtool = 'github.com/prometheus/prometheus/cmd/promtool'
// Without the clients of all clouds, which only find targets to scrape.
const tags = 'remove_all_sd'
const HASH_LENGTH = 12

/** One directory for each user and not for each checkout. Its name changes with its content. */
export function promtoolDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(module, file)))
  const name = hash.update(tags).digest('hex').slice(0, HASH_LENGTH)
  return join(cacheRoot(env), `promtool-${name}-${process.platform}-${process.arch}`)
}

/** Returns the path of promtool; undefined if it must be built. */
export function locatePromtool(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = join(promtoolDirectory(env), 'promtool')
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch {
    return undefined
  }
}

/** @throws Error with the end of Go's output */
export async function buildPromtool(say: (line: string) => void): Promise<void> {
  const target = promtoolDirectory()
  if (locatePromtool()) return
  mkdirSync(cacheRoot(process.env), { recursive: true })
  const waiting = (holder: number) => say(`Another build (process ${holder}) is running; waiting for it.`)
  await withLock(`${target}.lock`, waiting, async () => {
    if (locatePromtool()) return
    say(`Building promtool into ${target}. The first time takes some minutes.`)
    // On the same file system as the target, so that one rename moves it there.
    const staging = `${target}.building-${process.pid}`
    try {
      await go(['install', '-tags', tags, '-ldflags', '-s -w', promtool], { module, bin: staging })
      rmSync(target, { recursive: true, force: true })
      renameSync(staging, target)
    } finally {
      rmSync(staging, { recursive: true, force: true })
    }
  })
}

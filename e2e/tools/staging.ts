import { readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isRunning } from './lock.ts'

const suffix = '.building-'

/** Where this process makes what goes to `target`: on the same file system, so that one rename moves it there. */
export const stagingOf = (target: string): string => `${target}${suffix}${process.pid}`

/** Removes what killed builds have left. */
export function removeAbandoned(target: string): void {
  const prefix = `${basename(target)}${suffix}`
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length)))) continue
    rmSync(join(dirname(target), name), { recursive: true, force: true })
  }
}

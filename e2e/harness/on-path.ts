import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What to do if there is no promtool. */
export const noPromtool = 'there is no promtool on PATH; install it (it comes with Prometheus)'

/** The first of these programs on PATH; undefined if there is none. */
export function onPath(names: readonly string[], env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable)
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

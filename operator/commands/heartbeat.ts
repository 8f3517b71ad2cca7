/**
 * `cr sync` touches a file while it is alive, and `cr sync status` reads its time. The syncers of the first cvmanager had a
 * probe that did so.
 */
import { closeSync, constants, futimesSync, openSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const heartbeatFile = (): string => join(tmpdir(), 'cvmanager-sync')

/** @throws Error if the file cannot be written */
export function beat(): void {
  // Everybody may write into this folder: a link of somebody else is not followed.
  const file = openSync(heartbeatFile(), constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600)
  const now = Date.now() / 1000
  futimesSync(file, now, now)
  closeSync(file)
}

export const endHeartbeat = (): void => rmSync(heartbeatFile(), { force: true })

/** In milliseconds since the epoch; undefined if no `cr sync` is running. */
export const lastBeatMs = (): number | undefined => statSync(heartbeatFile(), { throwIfNoEntry: false })?.mtimeMs

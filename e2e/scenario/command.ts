import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { bundle } from './operator.ts'

export interface Ended {
  readonly status: number | null
  readonly output: string
  readonly complaint: string
}

/** Runs `cvmanager <args>` as a user does, and waits until it exits. */
export async function command(directory: string, ...args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? '', HOME: directory, TMPDIR: directory }
  const child = spawn(process.execPath, [await bundle(directory), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  const [status, output, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { status, output, complaint }
}

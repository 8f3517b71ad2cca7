import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { bundle, compileCache } from './operator.ts'

export interface Ended {
  readonly status: number | null
  readonly output: string
  readonly complaint: string
}

/** Runs `cvmanager <args>` as a user does, and waits until it exits. */
export async function command(directory: string, ...args: readonly string[]): Promise<Ended> {
  const environment = { HOME: directory, TMPDIR: directory, NODE_COMPILE_CACHE: compileCache(directory) }
  return await runs(process.execPath, [await bundle(directory), ...args], environment)
}

/** Runs a program with this environment and no other, and waits until it exits. */
export async function runs(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ended> {
  const env = { PATH: process.env.PATH ?? '', ...environment }
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  const [status, output, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { status, output, complaint }
}

/** Runs the command line in a process of its own, which ends with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

export interface Spawned {
  readonly child: ChildProcess
  /** Resolves when this text has appeared on standard output or standard error. */
  said(text: string): Promise<void>
  readonly ended: Promise<Ending>
}

export interface Ending {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export function spawned(t: Test, file: string, args: readonly string[], env: Record<string, string> = {}): Spawned {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn(process.execPath, [path, ...args], {
    env: { PATH, ...(NODE_COMPILE_CACHE ? { NODE_COMPILE_CACHE } : {}), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      child.emit('said')
    })
  }
  const ended = new Promise<Ending>((resolve) => child.once('close', (status) => resolve({ status, ...text })))
  const said = async (words: string) => {
    while (!`${text.stdout}${text.stderr}`.includes(words)) {
      if (child.exitCode !== null)
        throw new Error(`ended with ${child.exitCode} before it said ${words}: ${text.stderr}`)
      await new Promise((resolve) => {
        child.once('said', resolve)
        child.once('close', resolve)
      })
    }
  }
  return { child, said, ended }
}

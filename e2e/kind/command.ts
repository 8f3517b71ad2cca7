import { type SpawnOptions, spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

export interface CommandOptions {
  /** In addition to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly directory?: string
  readonly timeoutMs?: number
}

/**
 * Runs a command to its end and returns its output.
 * @throws Error with the end of what it wrote, if its status is not 0
 */
export async function run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { status, output, errors } = await attempt(file, args, options)
  if (status === 0) return output
  const end = (errors.trim() || output.trim()).split('\n').slice(-maxErrorLines).join('\n')
  throw new Error(`"${[file, ...args].join(' ').slice(0, maxCommandLength)}" ended with status ${status}:\n${end}`)
}

const maxErrorLines = 20
const maxCommandLength = 300
const defaultTimeoutMs = 600_000

export interface Outcome {
  readonly status: number | null
  readonly output: string
  readonly errors: string
}

/** Runs a command that may fail. */
export async function attempt(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const settings: SpawnOptions = {
    env: { ...process.env, ...options.env },
    ...(options.directory ? { cwd: options.directory } : {}),
    timeout: options.timeoutMs ?? defaultTimeoutMs,
  }
  const child = spawn(file, args, { ...settings, stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  child.stdin.on('error', () => undefined).end(options.input)
  const [status, output, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { status, output, errors }
}

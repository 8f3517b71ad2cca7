import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const maxErrorLines = 20

interface Run {
  /** The folder of go.mod. */
  readonly module: string
  /** Where `go install` puts programs. */
  readonly bin: string
  readonly onErrorLine?: (line: string) => void
}

/** Runs one go command in a module and returns the lines of its output. */
export function go(args: readonly string[], { module, bin, onErrorLine }: Run): Promise<string[]> {
  const env = {
    ...process.env,
    CGO_ENABLED: '0',
    GOBIN: bin,
    GOFLAGS: '-buildvcs=false -trimpath',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
  }
  const child = spawn('go', args, { cwd: module, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: string[] = []
  const errors: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => output.push(line))
  createInterface({ input: child.stderr }).on('line', (line) => {
    errors.push(line)
    onErrorLine?.(line)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) return resolve(output)
      const end = errors.slice(-maxErrorLines).join('\n')
      reject(new Error(`"go ${args[0]}" ended with status ${code}. The end of its output:\n${end}`))
    })
  })
}

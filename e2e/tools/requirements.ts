import { execFileSync } from 'node:child_process'
import { statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { toolsDirectory, wantedGo } from './programs.ts'

const GIB = 1024 ** 3

/** Measured at a first build, with a margin. With a warm Go cache a build needs far less. */
const needs = { modules: 2.5 * GIB, compiled: 3 * GIB, linking: 0.5 * GIB, programs: 1 * GIB }

/** Returns a line for each missing requirement, which says what to do. */
export function missingRequirements(env: NodeJS.ProcessEnv = process.env): string[] {
  const go = goSettings(env)
  if (typeof go === 'string') return [go]
  if (older(go.GOVERSION.replace(/^go/, ''), wantedGo)) {
    return [
      `Go ${wantedGo} or newer is needed to build the test bed, and ${go.GOVERSION} is installed: ${INSTALL_GO}, and put its bin folder first on PATH.`,
    ]
  }
  return missingSpace([
    { what: 'Go modules (GOMODCACHE)', path: go.GOMODCACHE, bytes: needs.modules },
    { what: 'compiled packages (GOCACHE)', path: go.GOCACHE, bytes: needs.compiled },
    { what: 'temporary files (GOTMPDIR)', path: go.GOTMPDIR || tmpdir(), bytes: needs.linking },
    { what: 'the programs (CVMANAGER_TOOLS)', path: toolsDirectory(env), bytes: needs.programs },
  ])
}

interface GoSettings {
  readonly GOVERSION: string
  readonly GOCACHE: string
  readonly GOMODCACHE: string
  readonly GOTMPDIR: string
}

const INSTALL_GO = 'install it from https://go.dev/dl/'

function goSettings(env: NodeJS.ProcessEnv): GoSettings | string {
  try {
    // Runs outside the module, because an older Go refuses every command inside.
    const answer = execFileSync('go', ['env', '-json', 'GOVERSION', 'GOCACHE', 'GOMODCACHE', 'GOTMPDIR'], {
      cwd: tmpdir(),
      env: { ...env, GOTOOLCHAIN: 'local' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return JSON.parse(answer) as GoSettings
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') {
      return `Go ${wantedGo} or newer is needed to build the test bed, and there is no "go" on PATH: ${INSTALL_GO}.`
    }
    return `"go env" fails: ${error instanceof Error ? error.message : String(error)}`
  }
}

interface Need {
  readonly what: string
  readonly path: string
  readonly bytes: number
}

/** Several places are often on one file system, which then needs the sum. */
function missingSpace(wanted: readonly Need[]): string[] {
  const byDevice = Map.groupBy(wanted, (need) => statSync(existing(need.path)).dev)
  const lines: string[] = []
  for (const needed of byDevice.values()) {
    const bytes = needed.reduce((sum, need) => sum + need.bytes, 0)
    const disk = statfsSync(existing(needed[0]?.path ?? '/'))
    const free = disk.bavail * disk.bsize
    if (free >= bytes) continue
    const places = needed.map((need) => `${need.what}: ${need.path}`).join('; ')
    lines.push(
      `${gib(bytes)} of free disk space are needed, and ${gib(free)} are available, for ${places}. Free some space, or point the variables in parentheses to a larger disk.`,
    )
  }
  return lines
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`

function existing(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    if (statSync(at, { throwIfNoEntry: false })) return at
    if (at === dirname(at)) return at
  }
}

/** Compares versions such as `1.26.8` or `1.27rc1` by their numbers. */
function older(version: string, than: string): boolean {
  const have = numbers(version)
  const want = numbers(than)
  for (let i = 0; i < want.length; i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

const numbers = (version: string): number[] => version.split(/[^\d]+/).map(Number)

/** Installs moto's server, which simulates ECR, STS and SQS, into a Python virtual environment beside the built programs. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { isExecutable } from '../harness/on-path.ts'
import { withLock } from './lock.ts'
import { cacheRoot } from './programs.ts'
import { removeAbandoned, stagingOf } from './staging.ts'

const run = promisify(execFile)
const requirements = join(import.meta.dirname, 'moto', 'requirements.txt')
const HASH_LENGTH = 12
/** The newest requirement among the packages that moto needs. */
const OLDEST_PYTHON = [3, 10] as const
const maxErrorLines = 10

/** One directory for each user and not for each checkout. Its name changes with its content. */
export function motoDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, HASH_LENGTH)
  return join(cacheRoot(env), `moto-${hash}-${process.platform}-${process.arch}`)
}

/** Returns the Python that has moto; undefined if it must be installed. */
export function locateMoto(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const python = join(motoDirectory(env), 'bin', 'python')
  return isExecutable(python) ? python : undefined
}

/** @returns a line that says what is missing and what to do; undefined if moto is ready */
export async function buildMoto(say: (line: string) => void): Promise<string | undefined> {
  if (locateMoto()) return undefined
  const target = motoDirectory()
  const fault = await pythonFault()
  if (fault !== undefined) return fault
  const waiting = (holder: number) => say(`Another build (process ${holder}) is running; waiting for it.`)
  return await withLock(`${target}.lock`, waiting, async () => (locateMoto() ? undefined : await install(target, say)))
}

async function pythonFault(): Promise<string | undefined> {
  const install = 'install Python 3 with its venv module (Debian: apt-get install python3 python3-venv)'
  const needed = `Python ${OLDEST_PYTHON.join('.')} or newer is needed for moto, the AWS stand-in of the tests`
  try {
    const { stdout } = await run('python3', ['-c', 'import sys; print(*sys.version_info[:2])'])
    const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number)
    if (major < OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor < OLDEST_PYTHON[1])) {
      return `${needed}, and "python3" is ${major}.${minor}: ${install}.`
    }
  } catch {
    return `${needed}, and there is no "python3" on PATH that runs: ${install}.`
  }
  try {
    await run('python3', ['-c', 'import venv, ensurepip'])
    return undefined
  } catch {
    return `"python3" cannot create virtual environments, and moto, the AWS stand-in of the tests, needs one: ${install}.`
  }
}

async function install(target: string, say: (line: string) => void): Promise<string | undefined> {
  say(`Installing moto into ${target}`)
  mkdirSync(dirname(target), { recursive: true })
  removeAbandoned(target)
  // It can be moved: its python is a link without a path of its own.
  const staging = stagingOf(target)
  try {
    await run('python3', ['-m', 'venv', staging])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input']
    const pinned = ['--require-hashes', '--only-binary', ':all:', '--requirement', requirements]
    await run(join(staging, 'bin', 'python'), [...pip, ...pinned])
    rmSync(target, { recursive: true, force: true })
    renameSync(staging, target)
    return undefined
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    const end = stderr.trim().split('\n').slice(-maxErrorLines).join('\n')
    return `moto could not be installed: ${end === '' ? message : end}`
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

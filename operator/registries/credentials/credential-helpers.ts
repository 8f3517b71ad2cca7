/**
 * Docker's credential helpers: programs that keep credentials, or get them from a cloud (github.com/docker/
 * docker-credential-helpers). Run only for the Docker config file of whoever started cvmanager, never for a pull secret:
 * a tenant must not choose what is run.
 */
import { spawn } from 'node:child_process'
import { TransientError } from '../../errors.ts'
import type { Credentials } from '../registry.ts'

export interface HelperNames {
  /** By host, `credHelpers` in the file. */
  readonly byHost: Readonly<Record<string, string>>
  /** For all others, `credsStore`. */
  readonly store: string | undefined
}

const deadlineMs = 10_000
const largestAnswer = 64 * 1024
/** The helpers' own words for "I have none", which they say on standard output. */
const none = /credentials not found/i

/** Docker Hub is known to the helpers by the name that `docker login` wrote down. */
const serverOf = (host: string): string => (host === 'docker.io' ? 'https://index.docker.io/v1/' : host)

export function helperFor(host: string, { byHost, store }: HelperNames): string | undefined {
  const names = host === 'docker.io' ? [host, 'index.docker.io', serverOf(host)] : [host]
  return names.map((name) => (Object.hasOwn(byHost, name) ? byHost[name] : undefined)).find(Boolean) ?? store
}

/**
 * Undefined where the helper has none for that host.
 * @throws TransientError `CredentialHelperFailed`; whatever the program said is not shown, for it may be a secret
 */
export async function askHelper(
  name: string,
  host: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`
  const failed = (how: string): TransientError =>
    new TransientError(
      'CredentialHelperFailed',
      `the credential helper ${program} gave no credentials for the registry ${host}: ${how}. Run it by hand: echo ${serverOf(host)} | ${program} get`,
    )
  const { status, output, fault } = await run(program, serverOf(host), env)
  if (fault !== undefined) throw failed(fault)
  if (status !== 0) {
    if (none.test(output)) return undefined
    throw failed(`it ended with status ${status}`)
  }
  const credentials = parseHelperAnswer(output)
  if (credentials === undefined) throw failed('its answer is not the JSON object that Docker expects')
  return credentials
}

/** `{"ServerURL": …, "Username": …, "Secret": …}`; the user `<token>` means an identity token. */
export function parseHelperAnswer(output: string): Credentials | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(output)
  } catch {
    return undefined
  }
  const { Username: username, Secret: secret } = (parsed ?? {}) as Readonly<Record<string, unknown>>
  if (typeof username !== 'string' || typeof secret !== 'string' || username === '' || secret === '') return undefined
  if (username === '<token>') return { kind: 'identity-token', token: secret }
  return { kind: 'basic', username, password: secret }
}

interface Ended {
  readonly status: number | null
  readonly output: string
  readonly fault?: string
}

function run(program: string, input: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  // Its standard error is for a person at a terminal; here it could only leak.
  const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'ignore'], shell: false })
  let output = ''
  const end = (status: number | null, fault?: string): void => {
    clearTimeout(deadline)
    child.kill('SIGKILL')
    resolve(fault === undefined ? { status, output } : { status, output, fault })
  }
  const deadline = setTimeout(() => end(null, `it did not end within ${deadlineMs / 1000} s`), deadlineMs)
  child.on('error', (error: NodeJS.ErrnoException) =>
    end(null, error.code === 'ENOENT' ? 'there is no such program in PATH' : `it cannot be run (${error.code})`),
  )
  child.on('close', (status) => end(status))
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    if (output.length > largestAnswer) end(null, 'its answer is too long')
  })
  // A program that does not read is no failure of ours.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return promise
}

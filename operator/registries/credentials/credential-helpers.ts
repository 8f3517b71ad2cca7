/**
 * Docker's credential helpers: programs that store credentials, or get them from a cloud (github.com/docker/
 * docker-credential-helpers). cvmanager runs those of its own Docker config file and never those of a pull secret: a tenant
 * must not choose what runs.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { TransientError } from '../../errors.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Credentials } from '../registry.ts'

export interface HelperNames {
  /** By host, `credHelpers` in the file. */
  readonly byHost: Readonly<Record<string, string>>
  /** For all others, `credsStore`. */
  readonly store: string | undefined
}

const deadlineMs = 10_000
const maxAnswer = 64 * 1024
/** How the helpers say on standard output that they have none. */
const none = /credentials not found/i

/** `docker login` stores Docker Hub under this name. */
const serverOf = (host: string): string => (host === 'docker.io' ? 'https://index.docker.io/v1/' : host)

export function helperFor(host: string, { byHost, store }: HelperNames): string | undefined {
  const names = host === 'docker.io' ? [host, 'index.docker.io', serverOf(host)] : [host]
  return names.map((name) => (Object.hasOwn(byHost, name) ? byHost[name] : undefined)).find(Boolean) ?? store
}

/** A Docker config file of another machine often names one. */
export class HelperNotInstalled extends TransientError {}

/**
 * `undefined` if the helper has no credentials for that host.
 * @throws HelperNotInstalled; TransientError `CredentialHelperFailed`, without the program's output: it may contain a secret
 */
export async function askHelper(
  name: string,
  host: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`
  const failed = (fault: string, Failure = TransientError): TransientError =>
    new Failure(
      'CredentialHelperFailed',
      `the credential helper ${program} gave no credentials for the registry ${host}: ${fault}. Run it by hand: echo ${serverOf(host)} | ${program} get`,
    )
  const running = run(program, ['get'], { env, timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: maxAnswer })
  // A program that does not read its input has not failed.
  running.child.stdin?.on('error', () => undefined).end(serverOf(host))
  try {
    const credentials = parseHelperAnswer((await running).stdout)
    if (credentials === undefined) throw failed('its answer is not the JSON object that Docker expects')
    return credentials
  } catch (error) {
    if (error instanceof TransientError) throw error
    const { code, killed, stdout = '' } = error as Failure
    if (typeof code === 'number' && none.test(stdout)) return undefined
    throw failed(faultOf(code, killed === true), code === 'ENOENT' ? HelperNotInstalled : TransientError)
  }
}

const run = promisify(execFile)

type Failure = { readonly code?: number | string; readonly killed?: boolean; readonly stdout?: string }

function faultOf(code: Failure['code'], killed: boolean): string {
  if (code === 'ENOENT') return 'there is no such program in PATH'
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'its answer is too long'
  if (killed) return `it did not end within ${deadlineMs / 1000} s`
  return typeof code === 'number' ? `it ended with status ${code}` : `it cannot be run (${code})`
}

/** `{"ServerURL": …, "Username": …, "Secret": …}`; the user `<token>` means an identity token. */
export function parseHelperAnswer(output: string): Credentials | undefined {
  const { Username: username, Secret: secret } = parseObject(Buffer.from(output)) ?? {}
  if (typeof username !== 'string' || typeof secret !== 'string' || username === '' || secret === '') return undefined
  if (username === '<token>') return { kind: 'identity-token', token: secret }
  return { kind: 'basic', username, password: secret }
}

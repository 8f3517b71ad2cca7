import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type Digest, type ImageContent, makeImage } from './images.ts'
import { freePort } from './ports.ts'
import { RunningProgram } from './processes.ts'
import { RegistryApi } from './registry-api.ts'
import type { Faults } from './registry-faults.ts'
import { RegistryProxy, type SeenRequest, TOKEN_PATH, type Traffic } from './registry-proxy.ts'
import {
  account,
  basicAuthorization,
  TOKEN_ISSUER,
  TOKEN_SERVICE,
  TokenServer,
  type TokenServerOptions,
} from './token-server.ts'
import { toolPath } from './tools.ts'
import { until } from './until.ts'
import { makeWorkDirectory, removeWorkDirectory } from './work-directory.ts'

export interface RegistryOptions {
  /** How clients authenticate: not at all (the default), with user and password, or with a bearer token for these. */
  readonly auth?: 'none' | 'basic' | 'token'
  readonly token?: TokenServerOptions
  /** Whether manifests and tags can be deleted. Default: yes. */
  readonly deletion?: boolean
  /** Where it sends notifications of pushes. */
  readonly notify?: Notify
}

export interface Notify {
  /** The proxy's host is added as `?host=…`, because pushes reach the registry at another one. */
  readonly url: string
  readonly authorization: string
  /** Whether it also sends notifications of pulls. Default: yes, as the registry itself does. */
  readonly pulls?: boolean
}

export interface PushedImage {
  readonly digest: Digest
  /** The image reference in a workload, with the first tag: `127.0.0.1:<port>/shop/web:1.2.3@sha256:…`. */
  readonly reference: string
}

// bcrypt of account.password at the lowest cost, because the registry computes it for each request.
const PASSWORD_HASH = '$2y$04$R9h.cIPz0gi.URNNX3kh2OPYxcPLfmeLhhvmSLG2O9ATo.PVmL8E.'

/** Starts distribution's registry with its images in memory, behind a proxy that records requests and injects faults. Plain HTTP. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const directory = await makeWorkDirectory('registry')
  const backendPort = await freePort()
  const proxy = new RegistryProxy(backendPort)
  await proxy.open(await freePort())
  const tokens = options.auth === 'token' ? new TokenServer(options.token) : undefined
  if (tokens) proxy.serveTokens((request, response) => tokens.answer(request, response))

  const configFile = join(directory, 'config.yaml')
  await writeFile(join(directory, 'htpasswd'), `${account.username}:${PASSWORD_HASH}\n`)
  await writeFile(join(directory, 'keys.json'), JSON.stringify(tokens?.keySet() ?? {}))
  await writeFile(configFile, stringify(configuration(options, directory, backendPort, proxy.port)))
  const program = new RunningProgram({
    name: 'registry',
    path: toolPath('registry'),
    args: ['serve', configFile],
    directory,
    logFile: join(directory, 'registry.log'),
    env: { OTEL_TRACES_EXPORTER: 'none' },
  })
  const api = new RegistryApi(backendPort, (repository) => authorization(options.auth ?? 'none', tokens, repository))
  const registry = new Registry({ directory, proxy, program, api, tokens })
  try {
    await until('the registry to answer', async () => !program.running || (await api.answers()))
    await program.assertRunning()
    return registry
  } catch (error) {
    await registry.stop()
    throw error
  }
}

interface Parts {
  readonly directory: string
  readonly proxy: RegistryProxy
  readonly program: RunningProgram
  readonly api: RegistryApi
  readonly tokens: TokenServer | undefined
}

export class Registry {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** `127.0.0.1:<port>`. */
  get host(): string {
    return `127.0.0.1:${this.#parts.proxy.port}`
  }

  /** The repository as `imageRepo` names it. */
  repository(path: string): string {
    return `${this.host}/${path}`
  }

  /** Has its configuration and log. `stop` removes it. */
  get directory(): string {
    return this.#parts.directory
  }

  get process(): RunningProgram {
    return this.#parts.program
  }

  /** Only with `auth: 'token'`. */
  get tokens(): TokenServer {
    if (!this.#parts.tokens) throw new Error("This registry was not started with auth: 'token'")
    return this.#parts.tokens
  }

  /** Pushes a new image with these tags; existing tags move. `requests` does not include these requests. */
  async push(repository: string, tags: string | readonly string[], content: ImageContent = {}): Promise<PushedImage> {
    const names = typeof tags === 'string' ? [tags] : tags
    const digest = await this.#parts.api.push(repository, makeImage(content), names)
    const name = names[0] ? `:${names[0]}` : ''
    return { digest, reference: `${this.repository(repository)}${name}@${digest}` }
  }

  /** Moves a tag to an existing image. */
  async tag(repository: string, digest: Digest, tag: string): Promise<void> {
    await this.#parts.api.tag(repository, digest, tag)
  }

  async untag(repository: string, tag: string): Promise<void> {
    await this.#parts.api.remove(repository, tag)
  }

  /** Removes an image with all its tags. */
  async delete(repository: string, digest: Digest): Promise<void> {
    await this.#parts.api.remove(repository, digest)
  }

  async digestOf(repository: string, tag: string): Promise<Digest> {
    return (await this.#parts.api.manifest(repository, tag)).digest
  }

  async tags(repository: string): Promise<string[]> {
    return this.#parts.api.tags(repository)
  }

  get faults(): Faults {
    return this.#parts.proxy.faults
  }

  /** The requests of clients since the start or the last `forget`, oldest first. */
  get requests(): readonly SeenRequest[] {
    return this.#parts.proxy.requests
  }

  /** The number of connections that clients opened since the start or the last `forget`. */
  get connections(): number {
    return this.#parts.proxy.connections
  }

  /** Bytes to and from clients since the start or the last `forget`. */
  get traffic(): Traffic {
    return this.#parts.proxy.traffic
  }

  count(
    filter: { readonly method?: string; readonly kind?: SeenRequest['kind']; readonly status?: number } = {},
  ): number {
    return this.requests.filter(
      (request) =>
        (filter.method === undefined || request.method === filter.method) &&
        (filter.kind === undefined || request.kind === filter.kind) &&
        (filter.status === undefined || request.status === filter.status),
    ).length
  }

  forget(): void {
    this.#parts.proxy.forget()
  }

  /** Refuses connections until `comeBack`. The images stay. */
  async goAway(): Promise<void> {
    await this.#parts.proxy.close()
  }

  async comeBack(): Promise<void> {
    await this.#parts.proxy.open(this.#parts.proxy.port)
  }

  /** A Docker config file's content that opens this registry; also what a pull secret's `.dockerconfigjson` holds. */
  dockerConfig(credentials: { readonly username: string; readonly password: string } = account): string {
    const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
    return JSON.stringify({ auths: { [this.host]: { ...credentials, auth } } })
  }

  async stop(): Promise<void> {
    const { directory, proxy, program, api } = this.#parts
    await Promise.all([proxy.close(), api.close(), program.stop()])
    await removeWorkDirectory(directory)
  }
}

function authorization(
  auth: 'none' | 'basic' | 'token',
  tokens: TokenServer | undefined,
  repository: string,
): string | undefined {
  if (auth === 'basic') return basicAuthorization(account.username, account.password)
  if (!tokens) return undefined
  const actions = ['pull', 'push', 'delete']
  return `Bearer ${tokens.issue([{ type: 'repository', name: repository, actions }], 'ci')}`
}

function configuration(options: RegistryOptions, directory: string, port: number, publicPort: number): object {
  const guards = {
    none: {},
    basic: { auth: { htpasswd: { realm: 'e2e', path: join(directory, 'htpasswd') } } },
    token: {
      auth: {
        token: {
          realm: `http://127.0.0.1:${publicPort}${TOKEN_PATH}`,
          service: TOKEN_SERVICE,
          issuer: TOKEN_ISSUER,
          jwks: join(directory, 'keys.json'),
          signingalgorithms: ['ES256'],
        },
      },
    },
  }
  return {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      inmemory: {},
      delete: { enabled: options.deletion ?? true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: `127.0.0.1:${port}`, secret: 'not-a-secret' },
    ...guards[options.auth ?? 'none'],
    ...(options.notify ? { notifications: notifications(options.notify, publicPort) } : {}),
  }
}

const notifications = ({ url, authorization, pulls = true }: Notify, publicPort: number): object => ({
  endpoints: [
    {
      name: 'e2e',
      url: `${url}?host=127.0.0.1:${publicPort}`,
      headers: { Authorization: [authorization] },
      timeout: '1s',
      threshold: 3,
      backoff: '500ms',
      ...(pulls ? {} : { ignore: { actions: ['pull'] } }),
    },
  ],
})

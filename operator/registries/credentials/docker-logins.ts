/** The credentials in the Docker config file of whoever started cvmanager, with those of its credential helpers. */
import { LRUCache } from 'lru-cache'
import type { Repository } from '../../images/reference.ts'
import type { Credentials } from '../registry.ts'
import { askHelper, type HelperNames, HelperNotInstalled, helperFor } from './credential-helpers.ts'
import { credentialsFor } from './credentials.ts'
import { type DockerConfig, parseDockerConfig, parseHelperNames } from './docker-config.ts'

const maxHosts = 1_000

export interface LoginDeps {
  readonly ask?: typeof askHelper
  readonly warn?: (message: string) => void
}

export class DockerLogins {
  readonly #config: DockerConfig
  readonly #helpers: HelperNames
  readonly #runHelper: typeof askHelper
  readonly #warn: (message: string) => void
  readonly #missing = new Set<string>()
  /** By host; `found` is undefined if the helper has no credentials for it. */
  readonly #answers: LRUCache<string, { readonly found: Credentials | undefined }, string>

  constructor(
    config: DockerConfig,
    helpers?: HelperNames,
    { ask = askHelper, warn = () => undefined }: LoginDeps = {},
  ) {
    this.#config = config
    this.#runHelper = ask
    this.#warn = warn
    this.#helpers = helpers ?? { byHost: {}, store: undefined }
    this.#answers = new LRUCache<string, { readonly found: Credentials | undefined }, string>({
      max: maxHosts,
      ignoreFetchAbort: true,
      fetchMethod: async (host, _stale, { context: helper }) => ({ found: await this.#ask(helper, host) }),
    })
  }

  /** @throws NeedsChangeError `PullSecretInvalid`, naming the file */
  static parse(text: string, subject: string, deps: LoginDeps): DockerLogins {
    return new DockerLogins(parseDockerConfig(text, subject), parseHelperNames(text, subject), deps)
  }

  /** A helper that is not installed takes nothing away: it is told once, and what the file says is used. */
  async #ask(helper: string, host: string): Promise<Credentials | undefined> {
    try {
      return await this.#runHelper(helper, host)
    } catch (error) {
      if (!(error instanceof HelperNotInstalled)) throw error
      if (!this.#missing.has(helper)) this.#warn(error.message)
      this.#missing.add(helper)
      return undefined
    }
  }

  /**
   * As in Docker, a helper takes precedence over what the file says.
   * @param afresh the registry has refused the last credentials: those of a helper may have expired
   * @throws TransientError `CredentialHelperFailed`
   */
  async for(repository: Repository, afresh = false): Promise<Credentials> {
    const { host } = repository
    const helper = helperFor(host, this.#helpers)
    const answer = helper && (await this.#answers.forceFetch(host, { context: helper, forceRefresh: afresh }))
    return (answer || undefined)?.found ?? credentialsFor(repository, [this.#config])
  }
}

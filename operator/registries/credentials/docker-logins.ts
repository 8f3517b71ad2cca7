/** The credentials in the Docker config file of whoever started cvmanager, those of its helpers included. */

import type { Repository } from '../../images/reference.ts'
import type { Credentials } from '../registry.ts'
import { askHelper, type HelperNames, helperFor } from './credential-helpers.ts'
import { credentialsFor } from './credentials.ts'
import { type DockerConfig, parseDockerConfig, parseHelperNames } from './docker-config.ts'

export class DockerLogins {
  readonly #config: DockerConfig
  readonly #helpers: HelperNames
  readonly #asked = new Map<string, Promise<Credentials | undefined>>()
  readonly #ask: typeof askHelper

  constructor(config: DockerConfig, helpers?: HelperNames, ask: typeof askHelper = askHelper) {
    this.#config = config
    this.#helpers = helpers ?? { byHost: {}, store: undefined }
    this.#ask = ask
  }

  /** @throws NeedsChangeError `PullSecretInvalid`, naming the file */
  static parse(text: string, subject: string): DockerLogins {
    return new DockerLogins(parseDockerConfig(text, subject), parseHelperNames(text, subject))
  }

  /**
   * As Docker does it: a helper goes before what stands in the file.
   * @param afresh the registry has refused what was found the last time
   * @throws TransientError `CredentialHelperFailed`
   */
  async for(repository: Repository, afresh = false): Promise<Credentials> {
    const { host } = repository
    const helper = helperFor(host, this.#helpers)
    if (helper === undefined) return this.#written(repository)
    if (afresh) this.#asked.delete(host)
    // What a helper gives may run out. The registry then refuses it, and it is asked for afresh.
    const asked = this.#asked.get(host) ?? this.#ask(helper, host)
    this.#asked.set(host, asked)
    asked.catch(() => this.#asked.delete(host))
    return (await asked) ?? this.#written(repository)
  }

  #written(repository: Repository): Credentials {
    return credentialsFor(repository, [this.#config])
  }
}

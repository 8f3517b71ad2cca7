/** For tests: registries and the credentials for them, resolved as polls and commands do. */
import type { Digest } from '../../images/digest.ts'
import type { Repository } from '../../images/reference.ts'
import { CredentialResolver } from '../credentials/credential-resolver.ts'
import { currentCredentials } from '../credentials/credential-source.ts'
import { DockerLogins } from '../credentials/docker-logins.ts'
import type { ServiceAccount } from '../credentials/service-account.ts'
import { Registries, type RegistriesOptions } from '../registries.ts'
import { type Access, anonymous, type Credentials } from '../registry.ts'

/** A pull secret, a service account, or nothing. */
export type Login = Credentials | ServiceAccount

export interface Opened {
  readonly registries: Registries
  readonly resolver: CredentialResolver
  accessTo(repository: Repository, login?: Login, afresh?: boolean): Promise<Access>
  /** One poll of a tag. */
  poll(repository: Repository, tag: string, login?: Login): Promise<Digest>
}

export function opened(options: RegistriesOptions): Opened {
  const registries = new Registries(options)
  const resolver = new CredentialResolver({
    cloudOf: (repository) => registries.cloudOf(repository),
    logins: new DockerLogins([]),
    clock: options.clock,
  })
  const accessTo: Opened['accessTo'] = async (repository, login = anonymous, afresh = false) => {
    const of = 'annotations' in login ? { serviceAccount: login } : { found: login }
    return { credentials: await currentCredentials(await resolver.resolve({ repository, afresh, ...of })) }
  }
  return {
    registries,
    resolver,
    accessTo,
    poll: async (repository, tag, login) =>
      await registries.for(repository).resolve(repository, tag, await accessTo(repository, login)),
  }
}

/** The part of `cvmanager cr resolve` that tags and policies share: opening the repository, and reporting the credentials. */
import type { Settings } from '../../config/settings.ts'
import { NeedsChangeError } from '../../errors.ts'
import { type Reference, repositoryName } from '../../images/reference.ts'
import type { Credentials } from '../../registries/registry.ts'
import type { RegistryRequest, Resolved } from './commands.ts'
import { problemOf } from './problem.ts'
import type { OpenRepository, RepositoryClient } from './repository.ts'

/** @throws NeedsChangeError with a message for the command line */
export async function resolveIn<T>(
  request: RegistryRequest & { readonly image: Reference },
  open: OpenRepository,
  resolve: (client: RepositoryClient) => Promise<T>,
): Promise<T & Pick<Resolved, 'provider' | 'credentials'>> {
  const { repository } = request.image
  let client: RepositoryClient | undefined
  try {
    client = await open(repository)
    const { registry, access } = client
    const resolved = await resolve(client)
    const source = request.credentials?.source ?? sourceOf(access.credentials, request.settings)
    return { ...resolved, provider: registry.kind, credentials: { user: userOf(access.credentials), source } }
  } catch (error) {
    const { reason, message } = problemOf(error, client, { repository: repositoryName(repository) })
    throw new NeedsChangeError(reason, message, { cause: error })
  }
}

/** Without the secret. */
function userOf({ identity, ...credentials }: Credentials): string | undefined {
  if (identity !== undefined) return undefined
  switch (credentials.kind) {
    case 'anonymous':
    case 'aws':
      return undefined
    case 'basic':
      return credentials.username
    case 'identity-token':
      return '(identity token)'
    default:
      return credentials satisfies never
  }
}

/** The source of the credentials, if no flag gives them. */
function sourceOf(credentials: Credentials, { dockerConfig }: Settings): string {
  if (credentials.kind === 'aws') return 'the AWS identity of this process'
  if (credentials.kind === 'anonymous') return 'anonymous: none are given'
  return credentials.identity === undefined
    ? `the Docker config file ${dockerConfig}`
    : `the cloud identity of this process: ${credentials.identity.name}`
}

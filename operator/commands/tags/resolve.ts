/** What `cvmanager cr resolve` does for a tag and for a policy alike: open the repository, and report as whom. */
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
    const source = request.credentials?.source ?? sourceOf(access.credentials, registry.kind, request.settings)
    return { ...resolved, provider: registry.kind, credentials: { user: userOf(access.credentials), source } }
  } catch (error) {
    const { reason, message } = problemOf(error, client, { repository: repositoryName(repository) })
    throw new NeedsChangeError(reason, message, { cause: error })
  }
}

/** The user, without the secret. */
export function userOf(credentials: Credentials): string | undefined {
  switch (credentials.kind) {
    case 'anonymous':
      return undefined
    case 'basic':
      return credentials.username
    case 'identity-token':
      return '(identity token)'
    case 'service-account':
      return `service account ${credentials.namespace}/${credentials.name}`
    default:
      return credentials satisfies never
  }
}

/** Where the credentials come from if no flag gives them. */
function sourceOf(
  credentials: Credentials,
  provider: string,
  { dockerConfig, cloudIdentity }: RegistryRequest['settings'],
): string {
  if (provider === 'ecr') return 'the AWS identity of this process'
  if (credentials.kind !== 'anonymous') return `the Docker config file ${dockerConfig}`
  const cloud = cloudIdentity && (provider === 'gar' || provider === 'acr')
  return cloud ? 'the identity that the cloud gives to this process, if it has one' : 'anonymous: none are given'
}

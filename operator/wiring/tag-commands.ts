/** Joins the commands on tags with the registries. They need no cluster. */
import { addTags as add } from '../commands/tags/add.ts'
import type { RegistryRequest, TagCommands } from '../commands/tags/commands.ts'
import { getTags as get } from '../commands/tags/get.ts'
import { removeTags as remove } from '../commands/tags/remove.ts'
import type { OpenRepository } from '../commands/tags/repository.ts'
import { resolvePolicy as policy } from '../commands/tags/resolve-policy.ts'
import { resolveTag as tag } from '../commands/tags/resolve-tag.ts'
import { NeedsChangeError, UsageError } from '../errors.ts'
import type { Repository } from '../images/reference.ts'
import { currentCredentials } from '../registries/credentials/credential-source.ts'
import type { Registry } from '../registries/registry.ts'
import { openRegistries } from './registries.ts'

export const getTags: TagCommands['getTags'] = (request) =>
  withRegistries(unmirrored(request), (open) => get(request, open))

export const addTags: TagCommands['addTags'] = (request) =>
  withRegistries(unmirrored(request), (open) => add(request, open))

export const removeTags: TagCommands['removeTags'] = (request) =>
  withRegistries(unmirrored(request), (open) => remove(request, open))

export const resolveTag: TagCommands['resolveTag'] = (request) => withRegistries(request, (open) => tag(request, open))

export const resolvePolicy: TagCommands['resolvePolicy'] = (request) =>
  withRegistries(request, (open) => policy(request, open))

/** A mirror may be behind the registry that is changed. */
const unmirrored = (request: RegistryRequest): RegistryRequest => ({
  ...request,
  settings: { ...request.settings, mirrors: [] },
})

async function withRegistries<T>(request: RegistryRequest, use: (open: OpenRepository) => Promise<T>): Promise<T> {
  const { settings, provider, credentials: given, signal } = request
  // With credentials from flags, the Docker config file need not even be readable.
  const used = given === undefined ? settings : { ...settings, dockerConfig: '' }
  const { registries, resolverFor, transport } = await openRegistries(used)
  const resolver = resolverFor(provider)
  const registryFor = (repository: Repository): Registry => {
    try {
      return registries.for(repository, provider)
    } catch (error) {
      throw error instanceof NeedsChangeError ? new UsageError(`--provider: ${error.message}`) : error
    }
  }
  try {
    return await use(async (repository) => {
      const registry = registryFor(repository)
      const source = await resolver.resolve({ repository, found: given?.credentials })
      const credentials = await currentCredentials(source, signal)
      return { registry, repository, access: { credentials, signal, urgent: true } }
    })
  } finally {
    await transport.close()
  }
}

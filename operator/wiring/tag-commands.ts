/** Joins the commands on tags with the registries. They need no cluster. */
import { addTags as add } from '../commands/tags/add.ts'
import type { Problem, RegistryRequest, TagCommands } from '../commands/tags/commands.ts'
import { getTags as get } from '../commands/tags/get.ts'
import { removeTags as remove } from '../commands/tags/remove.ts'
import type { OpenRepository } from '../commands/tags/repository.ts'
import { resolvePolicy as policy } from '../commands/tags/resolve-policy.ts'
import { resolveTag as tag } from '../commands/tags/resolve-tag.ts'
import type { Settings } from '../config/settings.ts'
import { NeedsChangeError, UsageError } from '../errors.ts'
import type { Reference, Repository } from '../images/reference.ts'
import { currentCredentials } from '../registries/credentials/credential-source.ts'
import type { Registry } from '../registries/registry.ts'
import { openRegistries } from './registries.ts'
import { Statsd, type TagRequest } from './statsd.ts'

// A mirror may be behind the registry that is changed.
const own = { mirrors: [] }
export const getTags: TagCommands['getTags'] = (request) =>
  counted('batchget', request, () => withRegistries(request, get, own))
export const addTags: TagCommands['addTags'] = (request) =>
  counted('putimage', request, () => withRegistries(request, add, own))
export const removeTags: TagCommands['removeTags'] = (request) =>
  counted('batchdelete', request, () => withRegistries(request, remove, own))
export const resolveTag: TagCommands['resolveTag'] = (request) => withRegistries(request, tag)
export const resolvePolicy: TagCommands['resolvePolicy'] = (request) => withRegistries(request, policy)

/** Statistics must not change what becomes of a command: they fail before it begins, or not at all. */
async function counted<T extends { readonly problems: readonly Problem[] }>(
  change: TagRequest,
  { settings }: RegistryRequest,
  run: () => Promise<T>,
): Promise<T> {
  const statsd = await Statsd.open(settings, () => undefined)
  try {
    const result = await run()
    statsd?.tagsFailed(change, result.problems)
    return result
  } finally {
    await statsd?.close()
  }
}

type Named = { readonly image: Reference } | { readonly repositories: readonly Reference[] }

async function withRegistries<R extends RegistryRequest & Named, T>(
  request: R,
  command: (request: R, open: OpenRepository) => Promise<T>,
  overridden: Partial<Settings> = {},
): Promise<T> {
  const { provider, credentials: given, signal } = request
  // Whoever runs the command names these registries, and could reach the loopback of this machine without it.
  const named = 'image' in request ? [request.image] : request.repositories
  const loopbackRegistries = named.map(({ repository }) => repository.host)
  const settings = { ...request.settings, loopbackRegistries, ...overridden }
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
    return await command(request, async (repository) => {
      const registry = registryFor(repository)
      const source = await resolver.resolve({ repository, found: given?.credentials })
      const credentials = await currentCredentials(source, signal)
      return { registry, repository, access: { credentials, signal, urgent: true } }
    })
  } finally {
    await transport.close()
  }
}

/** The registry commands, with the real registries and without a cluster. */
import type { RegistryCommands, RegistryRequest } from '../cli/commands.ts'
import { addTags as add, removeTags as remove } from '../commands/tags/changes.ts'
import { explain } from '../commands/tags/explain.ts'
import { explainPolicy } from '../commands/tags/explain-policy.ts'
import type { Shelf } from '../commands/tags/image.ts'
import { problemOf } from '../commands/tags/problem.ts'
import { changeAll, type Open, taggedImages } from '../commands/tags/repositories.ts'
import type { Asked } from '../commands/tags/results.ts'
import { sourceOf, userOf } from '../commands/tags/who.ts'
import { VersionFinder } from '../discovery/versions/version-finder.ts'
import { NeedsChangeError, UsageError } from '../errors.ts'
import type { Repository } from '../images/reference.ts'
import { canonical, composeImage, type Reference, repositoryName } from '../images/reference.ts'
import type { Registry } from '../registries/registry.ts'
import { openRegistries, readDockerLogins } from './registries.ts'

export const tagsOfImages: RegistryCommands['tagsOfImages'] = (request) =>
  withRegistries(unmirrored(request), (open) => taggedImages(request.repositories, open, request.version))

export const addTags: RegistryCommands['addTags'] = (request) =>
  withRegistries(unmirrored(request), (open) =>
    changeAll(request, open, async (shelf, image) => (image ? add(shelf, image.digest, request.tags, request) : [])),
  )

export const removeTags: RegistryCommands['removeTags'] = (request) =>
  withRegistries(unmirrored(request), (open) =>
    changeAll(request, open, (shelf, image) => remove(shelf, image?.digest, request.tags, request)),
  )

export const resolveImage: RegistryCommands['resolveImage'] = (request) => {
  const { image, versionSyntax } = request
  const tag = image.tag ?? (image.digest === undefined ? 'latest' : undefined)
  return explained(request, async (shelf) => {
    const seen = await explain(shelf, new VersionFinder(), { tag, digest: image.digest, versionSyntax })
    const workloadImage = composeImage(image.name, seen.version)
    return { ...seen, image: canonical({ ...image, tag }), tag, workloadImage }
  })
}

export const resolvePolicy: RegistryCommands['resolvePolicy'] = (request) => {
  const { image, policy } = request
  return explained(request, async (shelf) => {
    const seen = await explainPolicy(shelf, policy)
    return {
      ...seen,
      image: canonical({ ...image, tag: seen.version?.name }),
      workloadImage: seen.version && composeImage(image.name, seen.version),
    }
  })
}

/** What was seen, and as whom. */
async function explained<T>(
  request: RegistryRequest & { readonly image: Reference },
  look: (shelf: Shelf) => Promise<T>,
): Promise<T & Asked> {
  const { image, credentials: given, settings } = request
  const { repository } = image
  return await withRegistries(request, async (open) => {
    let shelf: Shelf | undefined
    try {
      shelf = await open(repository)
      const { registry, access } = shelf
      const seen = await look(shelf)
      return {
        ...seen,
        provider: registry.kind,
        credentials: {
          user: userOf(access.credentials),
          source: given?.source ?? sourceOf(access.credentials, registry.kind, settings),
        },
      }
    } catch (error) {
      const { reason, message } = problemOf(error, shelf, { repository: repositoryName(repository) })
      throw new NeedsChangeError(reason, message, { cause: error })
    }
  })
}

/** What is changed is looked at where it is changed: a mirror may be behind. */
const unmirrored = (request: RegistryRequest): RegistryRequest => ({
  ...request,
  settings: { ...request.settings, mirrors: [] },
})

async function withRegistries<T>(request: RegistryRequest, use: (open: Open) => Promise<T>): Promise<T> {
  const { settings, provider, credentials: given, signal } = request
  const logins = await readDockerLogins(given === undefined ? settings : { ...settings, dockerConfig: '' })
  const { registries, transport } = openRegistries(settings)
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
      const credentials = given?.credentials ?? (await logins.for(repository))
      return { registry, repository, access: { credentials, signal, urgent: true } }
    })
  } finally {
    await transport.close()
  }
}

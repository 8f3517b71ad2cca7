/** `cvmanager cr tags get`. */
import type { CliCommand } from '../io.ts'
import {
  addRegistryFlags,
  addRepositoryFlags,
  imageFrom,
  registryRequest,
  repositoriesFrom,
} from '../registry-flags.ts'
import { showImages, statuses } from './tags-output.ts'

export const crTagsGet: CliCommand = {
  name: 'cr tags get',
  description: 'Show the tags on an image, and its digest',
  addFlags: (command) =>
    addRegistryFlags(
      addRepositoryFlags(command, 'The image: a tag or a digest (required, or --version-pattern)'),
      'stats',
    ),

  async run(invocation, io) {
    const { options } = invocation
    const wanted = { repositories: repositoriesFrom(options.repo), version: imageFrom(options) }
    const request = await registryRequest(invocation, io, wanted.repositories)
    const { getTags } = await io.tagCommands()
    return showImages(await getTags({ ...request, ...wanted }), options.output, io)
  },

  help: `
Examples:
  # Which version is in production?
  cvmanager cr tags get --repo registry.example.com/shop/web --version env-prod

  # The digest of the newest release, for a script
  cvmanager cr tags get --repo registry.example.com/shop/web \\
    --version-pattern 'v[0-9]+[.][0-9]+' -o json | jq -r '.images[0].digest'

Exit status: ${statuses}`,
}

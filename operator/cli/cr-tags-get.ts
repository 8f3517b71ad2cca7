/** `cvmanager cr tags get`: which tags are on an image, and which digest it has. */
import { UsageError } from '../errors.ts'
import {
  addRegistryFlags,
  addVersionFlags,
  outputOption,
  registryRequest,
  repoOption,
  repositoriesFrom,
  versionFrom,
} from './registry-flags.ts'
import { showImages, statuses } from './tagging-output.ts'
import type { CliCommand } from './world.ts'

const examples = `
Examples:
  # Which version is in production?
  cvmanager cr tags get --repo registry.example.com/shop/web --version env-prod

  # The digest of the newest release, for a script
  cvmanager cr tags get --repo registry.example.com/shop/web --version-pattern 'v[0-9]+[.][0-9]+' -o json | jq -r '.images[0].digest'

Exit status: ${statuses}`

export const crTagsGet: CliCommand = {
  path: ['cr', 'tags', 'get'],

  describe(command) {
    command.description('Shows the tags on an image, and its digest').addOption(repoOption())
    addVersionFlags(command, 'Which image: a tag or a digest').addOption(outputOption())
    return addRegistryFlags(command).addHelpText('after', examples)
  },

  async run(invocation, world) {
    const { options } = invocation
    const repositories = repositoriesFrom(options.repo)
    const version = versionFrom(options)
    if (version === undefined) throw new UsageError('--version: say which image, or give --version-pattern')
    const request = await registryRequest(invocation, world, repositories)
    const { tagsOfImages } = await world.registryCommands()
    return showImages(await tagsOfImages({ ...request, repositories, version }), options.output, world)
  },
}

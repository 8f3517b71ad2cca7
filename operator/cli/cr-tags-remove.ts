/** `cvmanager cr tags remove`: takes tags off, and leaves images and their other tags alone. */
import {
  addRegistryFlags,
  addVersionFlags,
  outputOption,
  registryRequest,
  repoOption,
  repositoriesFrom,
  tagsFrom,
  tagsOption,
  versionFrom,
} from './registry-flags.ts'
import { showChanges, statuses } from './tagging-output.ts'
import type { CliCommand } from './world.ts'

const examples = `
Examples:
  # The environment is no more
  cvmanager cr tags remove --repo registry.example.com/shop/web --tags env-demo

  # Only if it is still on this version
  cvmanager cr tags remove --repo registry.example.com/shop/web --tags env-demo --version 1a2b3c4

A tag that is not there is no failure. Images and their other tags stay; where a registry cannot take off a tag alone,
nothing is removed.
Exit status: ${statuses}`

export const crTagsRemove: CliCommand = {
  path: ['cr', 'tags', 'remove'],

  describe(command) {
    command
      .description('Takes tags off, and nothing else')
      .addOption(repoOption())
      .addOption(tagsOption('The tags, parted by commas; may be given several times'))
    addVersionFlags(command, 'Only where the tags are on this image: a tag or a digest')
      .option('--dry-run', 'Says what would be done, and does nothing')
      .addOption(outputOption())
    return addRegistryFlags(command).addHelpText('after', examples)
  },

  async run(invocation, world) {
    const { options } = invocation
    const repositories = repositoriesFrom(options.repo)
    const tags = tagsFrom(options.tags)
    const version = versionFrom(options)
    const request = await registryRequest(invocation, world, repositories)
    const { removeTags } = await world.registryCommands()
    const answer = await removeTags({ ...request, repositories, version, tags, dryRun: options.dryRun === true })
    return showChanges(answer, options.output, world)
  },
}

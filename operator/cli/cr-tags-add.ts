/** `cvmanager cr tags add`: puts tags on an image that is in the registry, without moving its layers. */
import { UsageError } from '../errors.ts'
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
  # Release: ContainerVersions that follow env-prod roll this version out
  cvmanager cr tags add --repo registry.example.com/shop/web --version 1a2b3c4 --tags env-prod

  # Several repositories, all or none; several tags
  cvmanager cr tags add --repo registry.example.com/shop/web --repo registry.example.com/shop/worker \\
    --version 1a2b3c4 --tags env-prod,env-demo

  # What would happen?
  cvmanager cr tags add --repo registry.example.com/shop/web --version 1a2b3c4 --tags env-prod --dry-run

Tags that are on the image already are left there, and said to be. A multi-architecture image is tagged whole.
Exit status: ${statuses}`

export const crTagsAdd: CliCommand = {
  path: ['cr', 'tags', 'add'],

  describe(command) {
    command
      .description('Puts tags on an image, without pulling or pushing layers')
      .addOption(repoOption())
      .addOption(tagsOption('The tags, parted by commas; may be given several times. Tags that exist are moved'))
    addVersionFlags(command, 'Which image: a tag or a digest')
      .option('--dry-run', 'Says what would be done, and does nothing')
      .addOption(outputOption())
    return addRegistryFlags(command).addHelpText('after', examples)
  },

  async run(invocation, world) {
    const { options } = invocation
    const repositories = repositoriesFrom(options.repo)
    const tags = tagsFrom(options.tags)
    const version = versionFrom(options)
    if (version === undefined) throw new UsageError('--version: say which image, or give --version-pattern')
    const request = await registryRequest(invocation, world, repositories)
    const { addTags } = await world.registryCommands()
    const answer = await addTags({ ...request, repositories, version, tags, dryRun: options.dryRun === true })
    return showChanges(answer, options.output, world)
  },
}

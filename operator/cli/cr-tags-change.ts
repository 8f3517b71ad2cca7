/** What `cr tags add` and `cr tags remove` have in common: their flags, and how they say what came of it. */
import type { ChangesAnswer } from '../commands/tags/results.ts'
import type { ChangesRequest, RegistryCommands } from './commands.ts'
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
import { showChanges } from './tagging-output.ts'
import type { CliCommand } from './world.ts'

export interface TagsChange {
  readonly name: string
  readonly description: string
  /** Of the flags of these names. */
  readonly tags: string
  readonly version: string
  readonly examples: string
  /** @throws UsageError for what the flags cannot mean here; before anything is asked */
  readonly check?: (request: Pick<ChangesRequest, 'version'>) => void
  readonly change: (commands: RegistryCommands, request: ChangesRequest) => Promise<ChangesAnswer>
}

export const tagsCommand = ({ name, description, tags, version, examples, check, change }: TagsChange): CliCommand => ({
  path: ['cr', 'tags', name],

  describe(command) {
    command.description(description).addOption(repoOption()).addOption(tagsOption(tags))
    addVersionFlags(command, version)
      .option('--dry-run', 'Says what would be done, and does nothing')
      .addOption(outputOption())
    return addRegistryFlags(command).addHelpText('after', examples)
  },

  async run(invocation, world) {
    const { options } = invocation
    const wanted = {
      repositories: repositoriesFrom(options.repo),
      tags: tagsFrom(options.tags),
      version: versionFrom(options),
      dryRun: options.dryRun === true,
    }
    check?.(wanted)
    const request = await registryRequest(invocation, world, wanted.repositories)
    const answer = await change(await world.registryCommands(), { ...request, ...wanted })
    return showChanges(answer, options.output, world)
  },
})

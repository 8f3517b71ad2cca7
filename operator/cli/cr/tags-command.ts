/** The flags and the output that `cr tags add` and `cr tags remove` share. */
import { Option } from 'commander'
import type { WantedImage } from '../../commands/tags/image.ts'
import { repeated } from '../command-line/command-line.ts'
import type { CliCommand, Invocation } from '../io.ts'
import { addRegistryFlags, addRepositoryFlags, registryRequest, repositoriesFrom, tagsFrom } from '../registry-flags.ts'
import { showChanges } from './tags-output.ts'

interface TagsCommand extends Pick<CliCommand, 'name' | 'description' | 'help'> {
  /** The descriptions of `--tags` and `--version`. */
  readonly tags: string
  readonly version: string
  /** @throws UsageError */
  readonly versionFrom: (options: Invocation['options']) => WantedImage | undefined
  readonly change: 'addTags' | 'removeTags'
}

export const tagsCommand = (definition: TagsCommand): CliCommand => ({
  ...definition,

  addFlags(command) {
    addRepositoryFlags(command, definition.version)
      .addOption(new Option('--tags <TAGS>', definition.tags).argParser(repeated).makeOptionMandatory())
      .option('--dry-run', 'Report what would be done, and change nothing')
    addRegistryFlags(command, 'stats')
  },

  async run(invocation, io) {
    const { options } = invocation
    const wanted = {
      repositories: repositoriesFrom(options.repo),
      tags: tagsFrom(options.tags),
      version: definition.versionFrom(options),
      dryRun: options.dryRun === true,
    }
    const request = await registryRequest(invocation, io, wanted.repositories)
    const { [definition.change]: change } = await io.tagCommands()
    return showChanges(await change({ ...request, ...wanted }), options.output, io)
  },
})

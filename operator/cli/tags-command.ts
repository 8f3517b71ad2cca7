/** The flags and the output that `cr tags add` and `cr tags remove` share. */
import type { ChangesRequest, ChangesResult, TagCommands } from '../commands/tags/commands.ts'
import type { WantedImage } from '../commands/tags/image.ts'
import type { CliCommand, Invocation } from './io.ts'
import {
  addRegistryFlags,
  addRepositoryFlags,
  registryRequest,
  repositoriesFrom,
  tagsFrom,
  tagsOption,
} from './registry-flags.ts'
import { showChanges } from './tags-output.ts'

export interface TagsCommand<V extends WantedImage | undefined>
  extends Pick<CliCommand, 'name' | 'description' | 'help'> {
  /** The descriptions of `--tags` and `--version`. */
  readonly tags: string
  readonly version: string
  /** @throws UsageError */
  readonly versionFrom: (options: Invocation['options']) => V
  readonly change: (commands: TagCommands, request: ChangesRequest & { readonly version: V }) => Promise<ChangesResult>
}

export const tagsCommand = <V extends WantedImage | undefined>(definition: TagsCommand<V>): CliCommand => ({
  ...definition,

  addFlags(command) {
    addRepositoryFlags(command, definition.version)
      .addOption(tagsOption(definition.tags))
      .option('--dry-run', 'Report what would be done, and change nothing')
    addRegistryFlags(command)
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
    const result = await definition.change(await io.tagCommands(), { ...request, ...wanted })
    return showChanges(result, options.output, io)
  },
})

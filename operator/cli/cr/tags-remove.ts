/** `cvmanager cr tags remove`. */
import { versionFrom } from '../registry-flags.ts'
import { tagsCommand } from './tags-command.ts'
import { statuses } from './tags-output.ts'

export const crTagsRemove = tagsCommand({
  name: 'cr tags remove',
  description: 'Remove tags, and nothing else',
  tags: 'The tags, separated by commas; may be repeated',
  version: 'Remove the tags only if they are on this image: a tag or a digest',
  versionFrom,
  change: 'removeTags',
  help: `
Examples:
  # The environment is no more
  cvmanager cr tags remove --repo registry.example.com/shop/web --tags env-demo

  # Only if it is still on this version
  cvmanager cr tags remove --repo registry.example.com/shop/web \\
    --tags env-demo --version 1a2b3c4

A tag that does not exist is not a failure. Images and their other tags stay. If a registry cannot remove a tag alone,
nothing is removed.

Exit status: ${statuses}`,
})

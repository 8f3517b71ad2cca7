/** `cvmanager cr tags remove`: takes tags off, and leaves images and their other tags alone. */
import { tagsCommand } from './cr-tags-change.ts'
import { statuses } from './tagging-output.ts'

const examples = `
Examples:
  # The environment is no more
  cvmanager cr tags remove --repo registry.example.com/shop/web --tags env-demo

  # Only if it is still on this version
  cvmanager cr tags remove --repo registry.example.com/shop/web --tags env-demo --version 1a2b3c4

A tag that is not there is no failure. Images and their other tags stay; where a registry cannot take off a tag alone,
nothing is removed.
Exit status: ${statuses}`

export const crTagsRemove = tagsCommand({
  name: 'remove',
  description: 'Takes tags off, and nothing else',
  tags: 'The tags, parted by commas; may be given several times',
  version: 'Only where the tags are on this image: a tag or a digest',
  examples,
  change: ({ removeTags }, request) => removeTags(request),
})

/** `cvmanager cr tags add`. */
import { imageFrom } from '../registry-flags.ts'
import { tagsCommand } from './tags-command.ts'
import { statuses } from './tags-output.ts'

export const crTagsAdd = tagsCommand({
  name: 'cr tags add',
  description: 'Add tags to an image, without pulling or pushing layers',
  tags: 'The tags, separated by commas; may be repeated. Existing tags are moved',
  version: 'The image: a tag or a digest (required, or --version-pattern)',
  versionFrom: imageFrom,
  change: 'addTags',
  help: `
Examples:
  # Release: ContainerVersions that follow env-prod roll this version out
  cvmanager cr tags add --repo registry.example.com/shop/web \\
    --version 1a2b3c4 --tags env-prod

  # Several repositories, all or none; several tags
  cvmanager cr tags add --repo registry.example.com/shop/web \\
    --repo registry.example.com/shop/worker \\
    --version 1a2b3c4 --tags env-prod,env-demo

  # What would happen?
  cvmanager cr tags add --repo registry.example.com/shop/web \\
    --version 1a2b3c4 --tags env-prod --dry-run

Tags that are already on the image stay there and are reported as such. A multi-architecture image is tagged as a whole.

Exit status: ${statuses}`,
})

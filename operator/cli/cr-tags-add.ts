/** `cvmanager cr tags add`: puts tags on an image that is in the registry, without moving its layers. */
import { UsageError } from '../errors.ts'
import type { ChangesRequest } from './commands.ts'
import { tagsCommand } from './cr-tags-change.ts'
import { statuses } from './tagging-output.ts'

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

export const crTagsAdd = tagsCommand({
  name: 'add',
  description: 'Puts tags on an image, without pulling or pushing layers',
  tags: 'The tags, parted by commas; may be given several times. Tags that exist are moved',
  version: 'Which image: a tag or a digest',
  examples,
  check: imageOf,
  change: ({ addTags }, request) => addTags({ ...request, version: imageOf(request) }),
})

/** @throws UsageError */
function imageOf({ version }: Pick<ChangesRequest, 'version'>) {
  if (version !== undefined) return version
  throw new UsageError('--version: say which image, or give --version-pattern')
}

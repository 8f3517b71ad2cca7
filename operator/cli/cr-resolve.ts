/** `cvmanager cr resolve`: what the controller would see behind a tag, or choose, and why; for what does not work. */
import { defaultVersionSyntax } from '../api/names.ts'
import { isNotFound } from '../commands/tags/not-found.ts'
import type { ResolvedImage } from '../commands/tags/results.ts'
import { NeedsChangeError, UsageError } from '../errors.ts'
import { complaintOf } from './complaint.ts'
import { asWhom, inLines } from './cr-resolve-lines.ts'
import { addPolicyFlags, policyFrom, showPolicy } from './cr-resolve-policy.ts'
import { addRegistryFlags, outputOption, referenceFrom, registryRequest } from './registry-flags.ts'
import { statuses } from './tagging-output.ts'
import { type CliCommand, exit } from './world.ts'

const examples = `
Examples:
  # What would a ContainerVersion that follows env-prod roll out?
  cvmanager cr resolve registry.example.com/shop/web:env-prod

  # With another pattern for versions
  cvmanager cr resolve registry.example.com/shop/web:env-prod --version-syntax 'v[0-9]+[.][0-9]+[.][0-9]+'

  # Which tag would a policy choose, and why not another one?
  cvmanager cr resolve registry.example.com/shop/web --policy semver=^1 --filter '(.+)-alpine' --extract '$1'

  # Do these credentials work?
  cvmanager cr resolve registry.example.com/shop/web:env-prod --username ci --password-stdin < password.txt

Exit status: ${statuses}`

export const crResolve: CliCommand = {
  path: ['cr', 'resolve'],

  describe(command) {
    command
      .description('Shows what the controller would see behind a tag, or choose by a policy, and why')
      .argument('<IMAGE[:TAG]>', 'The image; without a tag, latest. With --policy, the repository')
      .option(
        '--version-syntax <PATTERN>',
        `spec.versionSyntax of the ContainerVersion (default ${defaultVersionSyntax})`,
      )
    addPolicyFlags(command).addOption(outputOption())
    return addRegistryFlags(command).addHelpText('after', examples)
  },

  async run(invocation, world) {
    const { options, operands } = invocation
    const image = referenceFrom('IMAGE', operands[0] ?? '')
    const versionSyntax = String(options.versionSyntax ?? defaultVersionSyntax)
    const policy = policyFrom(options)
    const request = await registryRequest(invocation, world, [image])
    try {
      const commands = await world.registryCommands()
      if (policy !== undefined) return await showPolicy({ ...request, image, policy }, options.output, commands, world)
      const resolved = await commands.resolveImage({ ...request, image, versionSyntax })
      world.print(options.output === 'json' ? `${JSON.stringify(shown(resolved), undefined, 2)}\n` : lines(resolved))
      return exit.ok
    } catch (thrown) {
      if (thrown instanceof NeedsChangeError && thrown.reason === 'VersionSyntaxInvalid') {
        throw new UsageError(thrown.message.replace('spec.versionSyntax', '--version-syntax:'))
      }
      if (!isNotFound(thrown)) throw thrown
      world.complain(`error: ${complaintOf(thrown)}\n`)
      return exit.notFound
    }
  },
}

const shown = ({ described, moreAliases, ...resolved }: ResolvedImage) => ({
  ...resolved,
  ...(described ? { mediaType: described.mediaType, platforms: described.platforms } : {}),
  aliasesComplete: !moreAliases,
})

function lines(resolved: ResolvedImage): string {
  const { described, aliases, moreAliases, version, why } = resolved
  const platforms = described?.platforms ?? []
  return inLines([
    ['Image', resolved.image],
    ...asWhom(resolved),
    ['Digest', resolved.digest],
    ['Media type', described?.mediaType ?? '<unknown>'],
    ['Platforms', platforms.join(', ') || '<one>'],
    ['Aliases', `${aliases.join(', ') || '<none>'}${moreAliases ? ', and perhaps more' : ''}`],
    ['Version', `${version.name} (${version.source})`],
    ...why.map((sentence, at) => [at === 0 ? 'Why' : '', sentence] as const),
    ['Workloads get', resolved.workloadImage],
  ])
}

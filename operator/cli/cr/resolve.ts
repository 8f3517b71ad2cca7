/** `cvmanager cr resolve`: helps to find out why a ContainerVersion does not do what its author expects. */
import { Option } from 'commander'
import { defaultVersionSyntax } from '../../api/names.ts'
import { NeedsChangeError, UsageError } from '../../errors.ts'
import { errorLine } from '../error-line.ts'
import { type CliCommand, exit } from '../io.ts'
import { addPolicyFlags, inFlags, policyFrom } from '../policy-flags.ts'
import { addRegistryFlags, referenceFrom, registryRequest } from '../registry-flags.ts'
import { showResolved } from './resolve-output.ts'
import { statuses } from './tags-output.ts'

export const crResolve: CliCommand = {
  name: 'cr resolve',
  description: 'Show the version that the controller would find behind a tag, or choose by a policy, and why',

  addFlags(command) {
    command
      .argument('<IMAGE[:TAG]>', 'The image; without a tag, latest. With --policy, the repository')
      .addOption(
        new Option('--version-syntax <PATTERN>', 'spec.versionSyntax of the ContainerVersion').default(
          undefined,
          defaultVersionSyntax,
        ),
      )
    addRegistryFlags(addPolicyFlags(command))
  },

  async run(invocation, io) {
    const { options, operands } = invocation
    const image = referenceFrom('IMAGE', operands[0] ?? '')
    const versionSyntax = String(options.versionSyntax ?? defaultVersionSyntax)
    const policy = policyFrom(options)
    if (policy !== undefined && (image.tag !== undefined || image.digest !== undefined)) {
      throw new UsageError(
        `IMAGE: with --policy give the repository alone, ${image.name}; the policy chooses among its tags`,
      )
    }
    const request = { ...(await registryRequest(invocation, io, [image])), image }
    const { resolveTag, resolvePolicy } = await io.tagCommands()
    const resolving = policy ? resolvePolicy({ ...request, policy }) : resolveTag({ ...request, versionSyntax })
    const resolved = await resolving.catch((thrown: unknown) => {
      throw asUsage(thrown)
    })
    io.print(showResolved(resolved, options.output))
    if (resolved.version !== undefined) return exit.ok
    io.printError(errorLine(`no tag of ${resolved.image} fits: ${inFlags(resolved.why.at(-1) ?? '')}`))
    return exit.notFound
  },

  help: `
Examples:
  # What would a ContainerVersion that follows env-prod roll out?
  cvmanager cr resolve registry.example.com/shop/web:env-prod

  # With another pattern for versions
  cvmanager cr resolve registry.example.com/shop/web:env-prod \\
    --version-syntax 'v[0-9]+[.][0-9]+[.][0-9]+'

  # Which tag would a policy choose, and why not another one?
  cvmanager cr resolve registry.example.com/shop/web \\
    --policy semver=^1 --filter '(.+)-alpine' --extract '$1'

  # Do these credentials work?
  cvmanager cr resolve registry.example.com/shop/web:env-prod \\
    --username ci --password-stdin < password.txt

Exit status: ${statuses}`,
}

function asUsage(thrown: unknown): unknown {
  const isFlag = thrown instanceof NeedsChangeError && /^Version(Syntax|Policy)Invalid$/.test(thrown.reason)
  return isFlag ? new UsageError(inFlags(thrown.message)) : thrown
}

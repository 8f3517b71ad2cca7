/** The flags that stand for `spec.policy`. */
import { type Command, Option } from 'commander'
import type { PolicyName, VersionPolicySpec } from '../api/policy.ts'
import { policyKinds, policyNames } from '../discovery/versions/policies/policies.ts'
import type { PolicyKind } from '../discovery/versions/policies/policy.ts'
import { UsageError } from '../errors.ts'
import type { Invocation } from './io.ts'

const kindOf = (name: PolicyName): PolicyKind => policyKinds[name]

export function addPolicyFlags(command: Command): Command {
  const policy = new Option(
    '--policy <POLICY>',
    'spec.policy of the ContainerVersion, which chooses a version instead of a tag',
  ).conflicts('versionSyntax')
  // For the help and the shell's completion; `fieldFrom` checks the text after the =.
  policy.argChoices = policyNames.map((name) => (kindOf(name).argument ? `${name}=${kindOf(name).argument}` : name))
  return command
    .addOption(policy)
    .option('--filter <PATTERN>', 'With --policy, spec.policy.filter.pattern: an RE2 pattern for the tags that count')
    .option('--extract <TEXT>', 'With --filter, spec.policy.filter.extract: the part of the tag to compare, e.g. $1')
}

/**
 * @returns undefined if no flag is given
 * @throws UsageError
 */
export function policyFrom({ policy, filter, extract }: Invocation['options']): VersionPolicySpec | undefined {
  if (extract !== undefined && filter === undefined) throw new UsageError('--extract: goes with --filter')
  if (policy === undefined) {
    if (filter !== undefined) throw new UsageError('--filter: goes with --policy')
    return undefined
  }
  const spec = fieldFrom(String(policy))
  if (filter === undefined) return spec
  return {
    ...spec,
    filter: { pattern: String(filter), ...(extract === undefined ? {} : { extract: String(extract) }) },
  }
}

function fieldFrom(text: string): VersionPolicySpec {
  const [given = '', ...rest] = text.split('=')
  const argument = rest.join('=')
  const name = policyNames.find((known) => known === given)
  if (name === undefined) {
    throw new UsageError(`--policy: ${JSON.stringify(given)} is no policy; there is: ${policyNames.join(', ')}`)
  }
  const kind = kindOf(name)
  if (kind.argument !== undefined && argument === '') throw new UsageError(`--policy: write ${name}=${kind.argument}`)
  if (kind.argument === undefined && text !== name) {
    throw new UsageError(`--policy: write ${name} alone, without ${JSON.stringify(`=${argument}`)}`)
  }
  return { [name]: kind.fromLine(argument) }
}

/** Names the flags in a message that the controller writes for authors of ContainerVersions. */
export const inFlags = (message: string): string =>
  message
    .replace('spec.versionSyntax', '--version-syntax:')
    .replace('spec.policy.filter.pattern', '--filter')
    .replace('spec.policy.filter.extract', '--extract')
    .replace('spec.policy.', '--policy, ')

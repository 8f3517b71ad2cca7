/** `cvmanager cr resolve --policy`: what a policy would choose, and what becomes of the other tags. */
import { type Command, Option } from 'commander'
import type { PolicyName, VersionPolicySpec } from '../api/policy.ts'
import type { Weighed } from '../commands/tags/explain-policy.ts'
import type { ResolvedPolicy } from '../commands/tags/results.ts'
import { policyKinds, policyNames } from '../discovery/versions/policies/policies.ts'
import type { PolicyKind } from '../discovery/versions/policies/policy.ts'
import { NeedsChangeError, UsageError } from '../errors.ts'
import type { PolicyRequest, RegistryCommands } from './commands.ts'
import { complaintOf } from './complaint.ts'
import { asWhom, inLines, type Row } from './cr-resolve-lines.ts'
import { type ExitStatus, exit, type Invocation, type World } from './world.ts'

const mostShown = 5

export function addPolicyFlags(command: Command): Command {
  const argumentOf = (name: PolicyName) => policyKinds[name].argument
  const forms = policyNames.map((name) => (argumentOf(name) === undefined ? name : `${name}=${argumentOf(name)}`))
  const policy = new Option(
    '--policy <POLICY>',
    `spec.policy of the ContainerVersion, instead of a tag: ${forms.slice(0, -1).join(', ')} or ${forms.at(-1)}`,
  ).conflicts('versionSyntax')
  // Offered to the shell's completion; what stands behind the = is for `fieldFrom` to judge.
  policy.argChoices = policyNames.map((name) => (argumentOf(name) === undefined ? name : `${name}=`))
  return command
    .addOption(policy)
    .option('--filter <PATTERN>', 'With --policy, spec.policy.filter.pattern: an RE2 pattern for the tags that count')
    .option('--extract <TEXT>', 'With --filter, spec.policy.filter.extract: what of the tag is compared, e.g. $1')
}

/**
 * Undefined where none is given.
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
  const [name = '', ...rest] = text.split('=')
  const argument = rest.join('=')
  const known = policyNames.find((each) => each === name)
  if (known === undefined) {
    throw new UsageError(`--policy: ${JSON.stringify(name)} is no policy; there is: ${policyNames.join(', ')}`)
  }
  const kind: PolicyKind = policyKinds[known]
  if (kind.argument !== undefined && argument === '') {
    throw new UsageError(`--policy: write ${name}=${kind.argument}`)
  }
  if (kind.argument === undefined && text !== name) {
    throw new UsageError(`--policy: write ${name} alone, without ${JSON.stringify(`=${argument}`)}`)
  }
  return { [name]: kind.fromLine(argument) }
}

/** @throws UsageError for a policy that cannot be used */
export async function showPolicy(
  request: PolicyRequest,
  form: unknown,
  { resolvePolicy }: RegistryCommands,
  world: World,
): Promise<ExitStatus> {
  const { tag, digest, name } = request.image
  if (tag !== undefined || digest !== undefined) {
    throw new UsageError(`IMAGE: with --policy give the repository alone, ${name}; the policy chooses among its tags`)
  }
  const resolved = await resolvePolicy(request).catch((thrown: unknown) => {
    throw asUsage(thrown)
  })
  world.print(form === 'json' ? `${JSON.stringify(shown(resolved), undefined, 2)}\n` : lines(resolved))
  if (resolved.version !== undefined) return exit.ok
  const message = `no tag of ${resolved.image} fits: ${inFlags(resolved.why.at(-1) ?? '')}`
  world.complain(`error: ${complaintOf(new Error(message))}\n`)
  return exit.notFound
}

function asUsage(thrown: unknown): unknown {
  const isOurs = thrown instanceof NeedsChangeError && thrown.reason === 'VersionPolicyInvalid'
  return isOurs ? new UsageError(inFlags(thrown.message)) : thrown
}

/** The controller's words are for those who write ContainerVersions. */
const inFlags = (message: string): string =>
  message
    .replace('spec.policy.filter.pattern', '--filter')
    .replace('spec.policy.filter.extract', '--extract')
    .replace('spec.policy.', '--policy, ')

const shown = ({ described, words, ...resolved }: ResolvedPolicy) => ({
  ...resolved,
  ...(described ? { mediaType: described.mediaType, platforms: described.platforms } : {}),
})

function lines(resolved: ResolvedPolicy): string {
  const { policy, words, fitting, unfit, refused, version, digest, described, workloadImage, why } = resolved
  const { filter } = policy
  const rows: (Row | undefined)[] = [
    ['Image', resolved.image],
    ...asWhom(resolved),
    ['Policy', words],
    filter && ['Filter', `${filter.pattern}${filter.extract === undefined ? '' : `, of which ${filter.extract}`}`],
    filter && ['Refused', some(refused)],
    ['Unfit', some(unfit.map(inShort))],
    ['Fitting', some(fitting.map(inShort))],
    ...(version === undefined
      ? []
      : ([
          ['Digest', digest ?? ''],
          ['Media type', described?.mediaType ?? '<unknown>'],
          ['Platforms', described?.platforms.join(', ') || '<one>'],
          ['Version', `${version.name} (${version.source})`],
        ] as const)),
    ...why.map((sentence, at): Row => [at === 0 ? 'Why' : '', inFlags(sentence)]),
    workloadImage === undefined ? undefined : ['Workloads get', workloadImage],
  ]
  return inLines(rows.filter((row) => row !== undefined))
}

const inShort = ({ tag, compared, pushed }: Weighed): string => {
  const said = [...(compared === tag ? [] : [`as ${compared}`]), ...(pushed === undefined ? [] : [`pushed ${pushed}`])]
  return said.length === 0 ? tag : `${tag} (${said.join(', ')})`
}

const some = (tags: readonly string[]): string =>
  tags.length === 0
    ? '<none>'
    : `${tags.length}: ${tags.slice(0, mostShown).join(', ')}${tags.length > mostShown ? ', …' : ''}`

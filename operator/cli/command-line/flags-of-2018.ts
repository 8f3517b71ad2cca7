/**
 * The flags of the first cvmanager (2018) that have no effect any more. An old command line still runs, and one warning says
 * what to use instead. Neither the help nor the completion shows them.
 */
import { type Command, Option } from 'commander'

interface OldFlags {
  readonly flags: readonly string[]
  readonly instead: string
}

const log: OldFlags = {
  flags: [
    '-v, --v <LEVEL>',
    '--logtostderr',
    '--alsologtostderr',
    '--stderrthreshold <LEVEL>',
    '--vmodule <PATTERNS>',
    '--log_dir <DIR>',
    '--log_backtrace_at <LINE>',
  ],
  instead: 'the log goes to standard error, as much of it as --log-level says',
}
const stats: OldFlags = {
  flags: ['--stats-provider <NAME>', '--stats-host <HOST>'],
  instead: 'cr sync itself sends statistics',
}
const tag: OldFlags = { flags: ['--tag <TAG>'], instead: 'a ContainerVersion names the tag to follow' }
const repo: OldFlags = { flags: ['--repo <REPO>'], instead: 'the ContainerVersion names the repository' }
const image: OldFlags = {
  flags: ['--cv-img-repo <REPO>'],
  instead: 'cvmanager follows all tags itself, without Deployments of its own image',
}
const resourceVersion: OldFlags = {
  flags: ['--version <VERSION>'],
  instead: 'the ContainerVersion counts as it is now',
}

const oldFlags: Readonly<Record<string, readonly OldFlags[]>> = {
  run: [image, log],
  'cr sync': [resourceVersion, repo, tag, log],
  'cr sync status': [repo, tag, stats, log],
  'cr tags get': [tag, log],
  'cr tags add': [tag, log],
  'cr tags remove': [tag, log],
  'cv get': [log],
}

export function addFlagsOf2018(command: Command, name: string): void {
  for (const { flags } of oldFlags[name] ?? []) {
    for (const flag of flags) command.addOption(new Option(flag).hideHelp())
  }
}

/** @returns undefined if none of them was given */
export function flagsWithoutEffect(command: Command, name: string): string | undefined {
  const ignored = (oldFlags[name] ?? []).flatMap(({ flags, instead }) => {
    const given = flags.map((flag) => new Option(flag)).filter((option) => option.attributeName() in command.opts())
    return given.length > 0 ? [`${given.map(({ long }) => long).join(', ')} (${instead})`] : []
  })
  return ignored.length > 0 ? `these flags have no effect any more: ${ignored.join('; ')}` : undefined
}

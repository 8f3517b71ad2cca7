/** `cvmanager migrate`. */
import { Option } from 'commander'
import type { ConvertedManifests } from '../commands/migrate/documents.ts'
import type { MoveRequest, MoveResult } from '../commands/migrate/move.ts'
import { UsageError } from '../errors.ts'
import { repeated } from './command-line/command-line.ts'
import { durationFrom } from './duration.ts'
import { errorLine, warningLine } from './error-line.ts'
import { type CliCommand, type ExitStatus, exit, type Invocation, type Io } from './io.ts'
import { namespaceFrom, objectNameFrom } from './names.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'

const nothingOld = 'there is no ContainerVersion or KCD of the group custom.k8s.io'

export const migrate: CliCommand = {
  name: 'migrate',
  description: 'Turn the objects of the first cvmanager (2018), or of KCD, into new ones',

  addFlags(command) {
    command
      .addOption(
        new Option('-f, --filename <FILE>', 'A manifest, a folder, or - for standard input; may be repeated')
          .argParser(repeated)
          .default(undefined, 'the objects of the cluster'),
      )
      .addOption(new Option('-R, --recursive', 'Also read the folders in a folder'))
      .addOption(
        new Option('-n, --namespace <NS>', 'Only the objects of this namespace').conflicts(['filename', 'apply']),
      )
      .addOption(
        new Option('-A, --all-namespaces', 'Those of all namespaces, as without --namespace').conflicts(['namespace']),
      )
      .addOption(
        new Option('--apply', 'Move the cluster: stop the old program, and replace its objects').conflicts('filename'),
      )
      .addOption(new Option('--dry-run', 'With --apply: show what it would do, and let the API server check it'))
      .addOption(
        new Option(
          '--old-manager <NAMESPACE/NAME>',
          'With --apply: the Deployment of the old manager, or none; may be repeated',
        )
          .argParser(repeated)
          .default(undefined, 'found by its image or its flags'),
      )
      .addOption(
        new Option('--timeout <DURATION>', 'With --apply: how long to wait for the end of old pods').default('5m'),
      )
    addSettingsFlags(command, ['cluster'])
  },

  async run(invocation, io) {
    const { options } = invocation
    for (const name of ['dryRun', 'oldManager'])
      if (options[name] !== undefined && !options.apply)
        throw new UsageError(`${name === 'dryRun' ? '--dry-run' : '--old-manager'}: it goes with --apply`)
    if (options.apply) return apply(invocation, io)
    return print(await converted(invocation, io), io)
  },

  help: `
Examples:
  # A folder of manifests, with a comment for each change
  cvmanager migrate -f old/ > new.yaml

  # The objects of the cluster that kubectl uses
  cvmanager migrate > new.yaml

  # Move that cluster: first look, then do it
  cvmanager migrate --apply --dry-run
  cvmanager migrate --apply

What does not belong to the old program passes through unchanged. Its definitions, its Deployments and its own object are left
out, with a comment. If something cannot be converted, nothing is printed but what to correct, one line each.

--apply changes no workload, and no pod restarts. It scales the old manager to 0, deletes its syncers (crsync-NAME), waits until
their pods are gone, and only then creates each new object and deletes the old one. It can be run again after an interruption.

Exit status: 0 done; 1 something cannot be converted, or the API server refused it; 2 a flag is wrong; 3 there is nothing to
convert; 5 timed out; 130 stopped by a signal.`,
}

async function converted(invocation: Invocation, io: Io): Promise<ConvertedManifests> {
  const { filename, namespace, recursive } = invocation.options
  if (filename === undefined) {
    const only = namespace === undefined ? undefined : namespaceFrom('--namespace', namespace)
    const settings = await settingsOf(invocation, io)
    return (await io.clusterCommands()).convertCluster(settings, only)
  }
  // Loaded only here: other commands need neither.
  const [{ readManifests }, { convertManifests }] = await Promise.all([
    import('../commands/migrate/files.ts'),
    import('../commands/migrate/documents.ts'),
  ])
  return convertManifests(await readManifests(filename as readonly string[], recursive === true, io.stdin))
}

function print({ text, converted, problems }: ConvertedManifests, io: Io): ExitStatus {
  for (const problem of problems) io.printError(errorLine(problem))
  if (problems.length > 0) return exit.failure
  io.print(text)
  if (converted > 0) return exit.ok
  io.printError(warningLine(nothingOld))
  return exit.notFound
}

const statuses: Readonly<Record<MoveResult['result'], ExitStatus>> = {
  Moved: exit.ok,
  Nothing: exit.ok,
  TimedOut: exit.timedOut,
  Interrupted: exit.interrupted,
}

async function apply(invocation: Invocation, io: Io): Promise<ExitStatus> {
  const { dryRun, oldManager, timeout } = invocation.options
  const request: MoveRequest = {
    managers: managersFrom(oldManager as readonly string[] | undefined),
    dryRun: dryRun === true,
    timeoutMs: durationFrom('--timeout', String(timeout)),
    signal: io.stopSignal(),
    onStep: (line) => io.print(`${line}\n`),
  }
  const settings = await settingsOf(invocation, io)
  const { move } = await io.clusterCommands()
  const result = await move(settings, request)
  if ('message' in result) io.printError(errorLine(result.message))
  else if (result.result === 'Nothing') io.print(`Nothing to move: ${nothingOld}, and no old manager runs.\n`)
  else io.print(`${dryRun ? 'The API server takes all' : 'Moved'} ${result.objects} objects.\n`)
  return statuses[result.result]
}

function managersFrom(given: readonly string[] | undefined): MoveRequest['managers'] {
  if (given === undefined || given.join() === 'none') return given && []
  return given.map((one) => {
    const [namespace, name, ...more] = one.split('/')
    if (name === undefined || more.length > 0)
      throw new UsageError(`--old-manager: ${JSON.stringify(one)} is not allowed; write NAMESPACE/NAME, or none`)
    return { namespace: namespaceFrom('--old-manager', namespace), name: objectNameFrom('--old-manager', name) }
  })
}

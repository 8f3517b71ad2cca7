/** `cvmanager cv wait`. */
import { Option } from 'commander'
import { isDigestPrefix } from '../../commands/wait/judge.ts'
import type { WaitOutcome } from '../../commands/wait/result.ts'
import { UsageError } from '../../errors.ts'
import { durationFrom } from '../duration.ts'
import { oneLine } from '../error-line.ts'
import { type CliCommand, type ExitStatus, exit } from '../io.ts'
import { addObjectFlags, inForm, objectFrom } from '../object-flags.ts'
import { settingsOf } from '../settings-flags.ts'
import { waitInWords } from './wait-output.ts'

const defaultTimeout = '30m'

const statuses: Readonly<Record<WaitOutcome, ExitStatus>> = {
  Healthy: exit.ok,
  Failed: exit.failure,
  RolledBack: exit.failure,
  Superseded: exit.failure,
  NotFound: exit.notFound,
  Held: exit.held,
  TimedOut: exit.timedOut,
  Interrupted: exit.interrupted,
}

export const cvWait: CliCommand = {
  name: 'cv wait',
  description: 'Poll the registry now, and wait until the version is healthy, has failed, or is held',

  addFlags: (command) =>
    addObjectFlags(command, (own) =>
      own
        .addOption(
          new Option(
            '--version <VERSION>',
            'The version to wait for: its name, or its digest (12 digits or more)',
          ).default(undefined, 'what the tag or the policy says now'),
        )
        .addOption(new Option('--timeout <DURATION>', 'How long to wait, e.g. 90s or 1h').default(defaultTimeout)),
    ),

  async run(invocation, io) {
    const { options } = invocation
    const object = objectFrom(invocation)
    const version = versionFrom(options.version)
    const timeoutMs = durationFrom('--timeout', String(options.timeout))
    const settings = await settingsOf(invocation, io)
    const { wait } = await io.clusterCommands()
    const result = await wait(settings, {
      ...object,
      version,
      timeoutMs,
      signal: io.stopSignal(),
      onProgress: (line) => io.printError(`${oneLine(line)}\n`),
    })
    io.print(inForm(options.output, result, waitInWords))
    return statuses[result.result]
  },

  help: `
Examples:
  # In CI, after the tag was moved: what came of this commit?
  cvmanager cv wait web -n shop --version "$GIT_COMMIT" --timeout 10m

  # What does the tag say now, and does it run?
  cvmanager cv wait web -n shop

  # The digest that CI has pushed, and the result for a program
  cvmanager cv wait web -n shop --version sha256:5e1b2c3d4e5f -o json

Each change is one line on standard error, and the result is on standard output.

Exit status: 0 healthy; 1 failed, rolled back or superseded; 2 a flag is wrong; 3 there is no such ContainerVersion, or it was
deleted; 4 held by a gate, or a person must act; 5 timed out; 130 stopped by a signal.`,
}

function versionFrom(value: unknown): string | undefined {
  if (value === undefined) return undefined
  const version = String(value)
  if (!/^sha(256|512):/.test(version) || isDigestPrefix(version)) return version
  throw new UsageError(
    `--version: ${JSON.stringify(version)} is no digest, and no beginning of one; write at least 12 of its digits (0-9, a-f), e.g. sha256:5e1b2c3d4e5f`,
  )
}

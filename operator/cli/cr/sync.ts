/** `cvmanager cr sync`. */
import type { SyncOutcome, SyncResult } from '../../commands/sync.ts'
import { createLogger } from '../../log/log.ts'
import { timestamp } from '../../time/clock.ts'
import { addCredentialFlags, credentialsOf } from '../credentials.ts'
import { oneLine } from '../error-line.ts'
import { type CliCommand, type ExitStatus, exit } from '../io.ts'
import { namespaceFrom, objectNameFrom } from '../names.ts'
import { providerOption, withDockerConfig } from '../registry-flags.ts'
import { addSettingsFlags, settingsOf } from '../settings-flags.ts'
import { endingWithin } from '../stopping.ts'

const outcomes: Readonly<Record<SyncOutcome, { readonly words: string; readonly status: ExitStatus }>> = {
  UpToDate: { words: 'is up to date', status: exit.ok },
  RolledOut: { words: 'was rolled out', status: exit.ok },
  Held: { words: 'is held', status: exit.ok },
  RolledBack: { words: 'failed', status: exit.failure },
  Failed: { words: 'failed', status: exit.failure },
}

/** How it ended, with the cause itself. */
function lastLine(name: string, { outcome, message, heldBy, heldUntil }: SyncResult): string {
  const until = heldUntil === undefined ? '' : ` until ${timestamp(heldUntil)}`
  const words = heldBy === undefined ? outcomes[outcome].words : `is held by ${heldBy}${until}`
  return oneLine(`ContainerVersion ${name} ${words}: ${message}`)
}

export const crSync: CliCommand = {
  name: 'cr sync',
  description: 'Follow one ContainerVersion in the foreground, without the controller',

  addFlags(command) {
    command
      .option('-n, --namespace <NS>', 'The namespace of the ContainerVersion (required)')
      .option('--cv <NAME>', 'The name of the ContainerVersion (required)')
      .addOption(providerOption())
      .option('--once', 'Check once, wait for the rollout that this starts, and exit')
    addSettingsFlags(addCredentialFlags(command), ['cluster', 'registry', 'rollout', 'stats', 'log'])
  },

  async run(invocation, io) {
    const { command, options } = invocation
    const namespace = namespaceFrom('--namespace', command.mandatoryValue('namespace'))
    const name = objectNameFrom('--cv', command.mandatoryValue('cv'))
    const settings = withDockerConfig(await settingsOf(invocation, io), io)
    const credentials = await credentialsOf(invocation, io)
    const { sync } = await io.clusterCommands()
    const signal = io.stopSignal()
    const once = options.once === true
    // Whoever reads the log of a CI job is a person.
    const logFormat = once && settings.logFormat === 'auto' ? 'pretty' : settings.logFormat
    const syncing = sync({
      settings,
      namespace,
      name,
      provider: options.provider as string | undefined,
      once,
      credentials,
      log: createLogger({ ...settings, logFormat }),
      signal,
    })
    const result = await endingWithin(settings.shutdownSeconds, signal, syncing)
    if (signal.aborted) return exit.ok
    io.print(`${lastLine(`${namespace}/${name}`, result)}\n`)
    return outcomes[result.outcome].status
  },

  help: `
Examples:
  # In a CI job: roll out the tag's version now, and wait for the result
  cvmanager cr sync -n shop --cv web-cv --once

  # Follow the tag until Ctrl-C, on the cluster of another context
  cvmanager cr sync -n shop --cv web-cv --context staging

  # With a password that no process list shows
  cvmanager cr sync -n shop --cv web-cv --once \\
    --username ci --password-stdin < password.txt

With --once, the log goes to standard error, each event once. The last line, on standard output, says how it ended and why.

Exit status: 0 up to date, rolled out or held; 1 failed or rolled back, now or before; 2 a flag is wrong.`,
}

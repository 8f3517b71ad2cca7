/** `cvmanager run`. */
import { NeedsChangeError, UsageError } from '../errors.ts'
import { createLogger } from '../log/log.ts'
import { version } from '../version.ts'
import { type CliCommand, exit } from './io.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'
import { endingWithin } from './stopping.ts'

export const run: CliCommand = {
  name: 'run',
  description: 'Run the controller until it is stopped',
  addFlags: (command) => addSettingsFlags(command),

  async run(invocation, io) {
    const settings = await settingsOf(invocation, io)
    const { runOperator } = await io.clusterCommands()
    const log = createLogger(settings)
    const signal = io.stopSignal()
    log.info({ ...version, versionInConfigMap: settings.version || undefined }, 'cvmanager is starting')
    signal.addEventListener('abort', () => log.info({ signal: signal.reason }, 'cvmanager is stopping'))
    try {
      await endingWithin(settings.shutdownSeconds, signal, runOperator(settings, log, signal))
      if (!signal.aborted) throw new Error('the controller ended by itself')
      log.info('cvmanager has stopped')
      return exit.ok
    } catch (thrown) {
      // Some settings turn out to be unusable only now: a port is in use, or a file is malformed.
      if (thrown instanceof UsageError || thrown instanceof NeedsChangeError) throw thrown
      log.fatal({ error: thrown }, 'cvmanager cannot go on')
      return exit.failure
    }
  },

  help: `
Examples:
  # In a cluster, with the account of its pod
  cvmanager run --history

  # From a checkout, on the cluster of a context of your kubeconfig, with a
  # registry that speaks plain HTTP
  cvmanager run --context staging --insecure-registry localhost:5000

  # With the settings of ConfigMap settings in namespace cvmanager, for two
  # namespaces
  cvmanager run --configmap-key cvmanager/settings \\
    --watch-namespace shop --watch-namespace blog

Every flag has an environment variable: --log-level is CVMANAGER_LOG_LEVEL. A flag takes precedence over the environment,
and the environment over the ConfigMap. docs/settings.md explains every setting at length.`,
}

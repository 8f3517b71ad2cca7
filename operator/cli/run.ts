/** `cvmanager run`: the controller. */
import { UsageError } from '../errors.ts'
import { createLogger } from '../log/log.ts'
import { version } from '../version.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'
import { untilStopped } from './stopping.ts'
import { type CliCommand, exit } from './world.ts'

const examples = `
Examples:
  # In a cluster, with the account of its pod
  cvmanager run --history

  # From a checkout, on the cluster of a kubeconfig, with a registry that speaks plain HTTP
  cvmanager run --k8s-config ~/.kube/config --insecure-registry localhost:5000

  # With settings from ConfigMap settings in namespace cvmanager, for two namespaces
  cvmanager run --configmap-key cvmanager/settings --watch-namespace shop --watch-namespace blog

Every flag has an environment variable: --log-level is CVMANAGER_LOG_LEVEL. A flag goes before the environment, which
goes before the ConfigMap. All of them: docs/settings.md.`

export const run: CliCommand = {
  path: ['run'],

  describe: (command) =>
    addSettingsFlags(command.description('Runs the controller until it is stopped')).addHelpText('after', examples),

  async run(invocation, world) {
    const settings = await settingsOf(invocation, world)
    const { startOperator } = await world.commands()
    const log = createLogger(settings)
    const signal = world.stopSignal()
    log.info({ ...version }, 'cvmanager starts')
    try {
      const starting = startOperator(settings, log, signal)
      const work = starting.then((running) => running.done)
      const stop = async () => {
        log.info({ signal: signal.reason }, 'cvmanager stops')
        await (await starting.catch(() => undefined))?.stop()
      }
      const ended = await untilStopped({ work, stop }, signal, settings.shutdownSeconds)
      if (ended !== 'stopped') throw new Error('the controller has ended by itself')
      log.info('cvmanager has stopped')
      return exit.ok
    } catch (thrown) {
      // A setting that cannot work is said as one, whenever it is found out.
      if (thrown instanceof UsageError) throw thrown
      log.fatal({ err: thrown }, 'cvmanager cannot go on')
      return exit.failure
    }
  },
}

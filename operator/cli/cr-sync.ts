/** `cvmanager cr sync`: follows one ContainerVersion outside the controller, by the same code. */
import { createLogger } from '../log/log.ts'
import type { FollowOutcome } from './commands.ts'
import { addCredentialFlags, credentialsOf } from './credentials.ts'
import { namespaceFrom, objectNameFrom } from './names.ts'
import { providerOption, withDockerConfig } from './registry-flags.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'
import { untilStopped } from './stopping.ts'
import { type CliCommand, type ExitStatus, exit } from './world.ts'

const examples = `
Examples:
  # In a CI job: roll out what the tag points at now; the exit status says whether that went well
  cvmanager cr sync --namespace shop --cv web-cv --once --k8s-config ~/.kube/config

  # Follow the tag until Ctrl-C
  cvmanager cr sync --namespace shop --cv web-cv --k8s-config ~/.kube/config

  # With a password that no process list shows
  cvmanager cr sync --namespace shop --cv web-cv --once --username ci --password-stdin < password.txt

Exit status with --once: 0 up to date, rolled out or held; 1 failed or rolled back; 2 a flag is wrong.`

const endings: Readonly<Record<FollowOutcome, { readonly words: string; readonly status: ExitStatus }>> = {
  UpToDate: { words: 'is up to date', status: exit.ok },
  RolledOut: { words: 'was rolled out', status: exit.ok },
  Held: { words: 'is held; kubectl describe says by what, and until when', status: exit.ok },
  RolledBack: { words: 'failed and was rolled back; kubectl describe says why', status: exit.failure },
  Failed: { words: 'failed; kubectl describe says why', status: exit.failure },
}

export const crSync: CliCommand = {
  path: ['cr', 'sync'],

  describe(command) {
    command
      .description('Follows one ContainerVersion in the foreground, without the controller')
      .requiredOption('--namespace <NS>', 'The namespace of the ContainerVersion')
      .requiredOption('--cv <NAME>', 'The name of the ContainerVersion')
      .addOption(providerOption())
      .option('--once', 'Looks once, sees the rollout that comes of it to its end, and exits')
    addSettingsFlags(addCredentialFlags(command), ['cluster', 'registry', 'rollout', 'log'])
    return command.addHelpText('after', examples)
  },

  async run(invocation, world) {
    const { options } = invocation
    const namespace = namespaceFrom('--namespace', options.namespace)
    const name = objectNameFrom('--cv', options.cv)
    const settings = withDockerConfig(await settingsOf(invocation, world), world.env)
    const credentials = await credentialsOf(invocation, world)
    const { followOne } = await world.commands()
    const signal = world.stopSignal()
    const provider = options.provider === undefined ? undefined : String(options.provider)
    const log = createLogger(settings)
    const work = followOne({
      settings,
      namespace,
      name,
      provider,
      once: options.once === true,
      credentials,
      log,
      signal,
    })
    const ended = await untilStopped(
      { work, stop: () => work.catch(() => undefined) },
      signal,
      settings.shutdownSeconds,
    )
    if (ended === 'stopped') return exit.ok
    const { words, status } = endings[ended]
    world.print(`ContainerVersion ${namespace}/${name} ${words}\n`)
    return status
  },
}

/** `cvmanager cv reconcile`. */
import { type CliCommand, exit } from '../io.ts'
import { addObjectFlags, inForm, objectFrom } from '../object-flags.ts'
import { settingsOf } from '../settings-flags.ts'

export const cvReconcile: CliCommand = {
  name: 'cv reconcile',
  description: 'Ask cvmanager to poll the registry now, instead of at the next interval',
  addFlags: (command) => addObjectFlags(command),

  async run(invocation, io) {
    const object = objectFrom(invocation)
    const settings = await settingsOf(invocation, io)
    const { reconcile } = await io.clusterCommands()
    const asked = await reconcile(settings, object)
    io.print(
      inForm(
        invocation.options.output,
        asked,
        ({ namespace, name, request, follows }) =>
          `ContainerVersion ${namespace}/${name}: asked cvmanager to poll ${follows} now (${request})\n`,
      ),
    )
    return exit.ok
  },

  help: `
Examples:
  # The tag has just moved, and nobody wants to wait for the next poll
  cvmanager cv reconcile web -n shop

  # The same without cvmanager, by any new value
  kubectl annotate cv/web -n shop --overwrite \\
    cvmanager.io/reconcile="$(date +%s)"

It does not wait for what comes of it: cvmanager cv wait does, and asks by itself.

Exit status: 0 asked; 1 the API server refused it; 2 a flag is wrong; 3 there is no such ContainerVersion.`,
}

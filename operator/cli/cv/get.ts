/** `cvmanager cv get`. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import { UsageError } from '../../errors.ts'
import { shortDigest } from '../../images/digest.ts'
import { fieldsOf2018, jsonOf2018, type WorkloadVersion } from '../../rollouts/observe/json-of-2018.ts'
import { notAmong } from '../command-line/command-line.ts'
import { warningLine } from '../error-line.ts'
import { type CliCommand, exit } from '../io.ts'
import { namespaceFrom } from '../names.ts'
import { table } from '../output.ts'
import { addSettingsFlags, settingsOf } from '../settings-flags.ts'

/** The output of the first cvmanager: Go writes an empty list as `null`. */
const json = (versions: readonly WorkloadVersion[]): string =>
  versions.length === 0 ? 'null' : `[${versions.map(jsonOf2018).join()}]`

const heads = ['NAMESPACE', 'NAME', 'TYPE', 'CONTAINER', 'VERSION', 'PODS', 'CV', 'TAG']
/** JSON has the digests whole. */
const cells = (version: WorkloadVersion): readonly string[] =>
  Object.values(fieldsOf2018(version)).map((value) => shortDigest(String(value)))
const wideCells = (version: WorkloadVersion) => [...cells(version), shortDigest(version.Digest ?? '<unknown>')]

const outputVariable = 'CVMANAGER_OUTPUT'

const forms = new Map<string, (versions: readonly WorkloadVersion[]) => string>([
  ['table', (versions) => table([heads, ...versions.map(cells)])],
  ['wide', (versions) => table([[...heads, 'DIGEST'], ...versions.map(wideCells)])],
  ['json', json],
  ['yaml', (versions) => stringify(versions.map(fieldsOf2018))],
])

export const cvGet: CliCommand = {
  name: 'cv get',
  description: 'Show the current version of every managed workload',

  addFlags(command) {
    command
      .addOption(new Option('-n, --namespace <NS>', 'Only this namespace').conflicts('allNamespaces'))
      .option('-A, --all-namespaces', 'All namespaces, as without --namespace')
      .addOption(
        new Option('-o, --output <FORM>', `The form of the output, or ${outputVariable}`)
          .choices([...forms.keys()])
          .default(undefined, 'table'),
      )
    addSettingsFlags(command, ['cluster'])
  },

  async run(invocation, io) {
    const { namespace } = invocation.options
    const output = invocation.options.output ?? (io.env[outputVariable] || 'table')
    const form = forms.get(String(output))
    if (!form) {
      throw new UsageError(`${outputVariable}: ${notAmong(output, [...forms.keys()])}`)
    }
    const only = namespace === undefined ? undefined : namespaceFrom('--namespace', namespace)
    const settings = await settingsOf(invocation, io)
    const { getVersions } = await io.clusterCommands()
    const warn = (message: string) => io.printError(warningLine(message))
    const versions = await getVersions(settings, { namespace: only, warn })
    if (versions.length === 0 && (output === 'table' || output === 'wide')) {
      io.printError(`No workload is managed by a ContainerVersion${only ? ` in namespace ${only}` : ''}.\n`)
      return exit.ok
    }
    io.print(form(versions))
    return exit.ok
  },

  help: `
Examples:
  # Everything that cvmanager manages
  cvmanager cv get

  # One namespace, with digests
  cvmanager cv get -n shop -o wide

  # Which version does the workload web run?
  cvmanager cv get -n shop -o json |
    jq -r '.[]? | select(.Name == "web").Version'

JSON is as in the first cvmanager. Without --namespace, all namespaces are shown, whatever the context says. If the account may not
list all of them, that of the context is. What else it may not list is left out, with a warning.`,
}

/** `cvmanager cv get`. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import type { WorkloadVersion } from '../commands/get.ts'
import { UsageError } from '../errors.ts'
import { type CliCommand, exit } from './io.ts'
import { namespaceFrom } from './names.ts'
import { table } from './output.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'

/** The output of the first cvmanager, to the byte: Go escapes the signs of HTML, and writes an empty list as `null`. */
const jsonOf2018 = (versions: readonly WorkloadVersion[]): string =>
  versions.length === 0
    ? 'null'
    : JSON.stringify(versions.map(fields)).replaceAll(
        /[<>&\u2028\u2029]/g,
        (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
      )

/** The fields of the first cvmanager, in its order, and no others. */
const fields = ({ Digest, ...shown }: WorkloadVersion): Omit<WorkloadVersion, 'Digest'> => shown

const heads = ['NAMESPACE', 'NAME', 'TYPE', 'CONTAINER', 'VERSION', 'PODS', 'CV', 'TAG']
const cells = (version: WorkloadVersion): readonly string[] => Object.values(fields(version)).map(String)
const wideCells = (version: WorkloadVersion) => [...cells(version), version.Digest ?? '<unknown>']

const outputVariable = 'CVMANAGER_OUTPUT'

const forms: Readonly<Record<string, (versions: readonly WorkloadVersion[]) => string>> = {
  table: (versions) => table([heads, ...versions.map(cells)]),
  wide: (versions) => table([[...heads, 'DIGEST'], ...versions.map(wideCells)]),
  json: jsonOf2018,
  yaml: (versions) => stringify(versions.map(fields)),
}

export const cvGet: CliCommand = {
  name: 'cv get',
  description: 'Show the current version of every managed workload',

  addFlags(command) {
    command
      .addOption(new Option('-n, --namespace <NS>', 'Only this namespace').conflicts('allNamespaces'))
      .option('-A, --all-namespaces', 'All namespaces; the default')
      .addOption(
        new Option(
          '-o, --output <FORM>',
          `The form of the output (or ${outputVariable}); by default, a table. JSON is as in the first cvmanager`,
        ).choices(Object.keys(forms)),
      )
    addSettingsFlags(command, ['cluster'])
  },

  async run(invocation, io) {
    const { namespace } = invocation.options
    const output = invocation.options.output ?? (io.env[outputVariable] || 'table')
    const form = forms[String(output)]
    if (!form) {
      const known = Object.keys(forms).join(', ')
      throw new UsageError(`${outputVariable}: ${JSON.stringify(output)} is not allowed; it must be one of ${known}`)
    }
    const only = namespace === undefined ? undefined : namespaceFrom('--namespace', namespace)
    const settings = await settingsOf(invocation, io)
    const { getVersions } = await io.clusterCommands()
    const versions = await getVersions(settings, only)
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
  cvmanager cv get --k8s-config ~/.kube/config

  # One namespace, with digests
  cvmanager cv get -n shop -o wide --k8s-config ~/.kube/config

  # Which version does the workload web run?
  cvmanager cv get -n shop -o json --k8s-config ~/.kube/config | jq -r '.[]? | select(.Name == "web").Version'`,
}

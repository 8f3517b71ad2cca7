/** `cvmanager cv get`. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import type { WorkloadVersion } from '../commands/get.ts'
import { type CliCommand, exit } from './io.ts'
import { namespaceFrom } from './names.ts'
import { json, table } from './output.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'

/** The fields of the first cvmanager, in its order, and no others. */
const fields = ({ Digest, ...shown }: WorkloadVersion): Omit<WorkloadVersion, 'Digest'> => shown

const heads = ['NAMESPACE', 'NAME', 'TYPE', 'CONTAINER', 'VERSION', 'PODS', 'CV', 'TAG']
const cells = (version: WorkloadVersion): readonly string[] => Object.values(fields(version)).map(String)
const wideCells = (version: WorkloadVersion) => [...cells(version), version.Digest ?? '<unknown>']

const forms: Readonly<Record<string, (versions: readonly WorkloadVersion[]) => string>> = {
  table: (versions) => table([heads, ...versions.map(cells)]),
  wide: (versions) => table([[...heads, 'DIGEST'], ...versions.map(wideCells)]),
  json: (versions) => json(versions.map(fields)),
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
        new Option('-o, --output <FORM>', 'The form of the output').choices(Object.keys(forms)).default('table'),
      )
    addSettingsFlags(command, ['cluster'])
  },

  async run(invocation, io) {
    const { namespace, output } = invocation.options
    const only = namespace === undefined ? undefined : namespaceFrom('--namespace', namespace)
    const settings = await settingsOf(invocation, io)
    const { getVersions } = await io.clusterCommands()
    const versions = await getVersions(settings, only)
    if (versions.length === 0 && (output === 'table' || output === 'wide')) {
      io.printError(`No workload is managed by a ContainerVersion${only ? ` in namespace ${only}` : ''}.\n`)
      return exit.ok
    }
    io.print(forms[String(output)]?.(versions) ?? '')
    return exit.ok
  },

  help: `
Examples:
  # Everything that cvmanager manages
  cvmanager cv get --k8s-config ~/.kube/config

  # One namespace, with digests
  cvmanager cv get -n shop -o wide --k8s-config ~/.kube/config

  # Which version does the workload web run?
  cvmanager cv get -n shop -o json --k8s-config ~/.kube/config | jq -r '.[] | select(.Name == "web").Version'`,
}

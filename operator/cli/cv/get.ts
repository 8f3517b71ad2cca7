/** `cvmanager cv get`. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import type { WorkloadVersion } from '../../commands/get.ts'
import { UsageError } from '../../errors.ts'
import { shortDigest } from '../../images/digest.ts'
import { notAmong } from '../command-line/command-line.ts'
import { type CliCommand, exit } from '../io.ts'
import { namespaceFrom } from '../names.ts'
import { table } from '../output.ts'
import { addSettingsFlags, settingsOf } from '../settings-flags.ts'

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
/** JSON has the digests whole. */
const cells = (version: WorkloadVersion): readonly string[] =>
  Object.values(fields(version)).map((value) => shortDigest(String(value)))
const wideCells = (version: WorkloadVersion) => [...cells(version), shortDigest(version.Digest ?? '<unknown>')]

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
      .option('-A, --all-namespaces', 'All namespaces, as without --namespace')
      .addOption(
        new Option('-o, --output <FORM>', `The form of the output, or ${outputVariable}`)
          .choices(Object.keys(forms))
          .default(undefined, 'table'),
      )
    addSettingsFlags(command, ['cluster'])
  },

  async run(invocation, io) {
    const { namespace } = invocation.options
    const output = invocation.options.output ?? (io.env[outputVariable] || 'table')
    const form = forms[String(output)]
    if (!form) {
      throw new UsageError(`${outputVariable}: ${notAmong(output, Object.keys(forms))}`)
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
  cvmanager cv get

  # One namespace, with digests
  cvmanager cv get -n shop -o wide

  # Which version does the workload web run?
  cvmanager cv get -n shop -o json |
    jq -r '.[]? | select(.Name == "web").Version'

JSON is as in the first cvmanager. Without --namespace, all namespaces are shown, whatever the context says.`,
}

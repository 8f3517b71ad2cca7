/** `cvmanager cv get`: the current version of every managed workload. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import type { WorkloadVersion } from './commands.ts'
import { namespaceFrom } from './names.ts'
import { addSettingsFlags, settingsOf } from './settings-flags.ts'
import { table } from './table.ts'
import { type CliCommand, exit } from './world.ts'

const examples = `
Examples:
  # Everything that cvmanager manages
  cvmanager cv get --k8s-config ~/.kube/config

  # One namespace, with digests
  cvmanager cv get -n shop -o wide --k8s-config ~/.kube/config

  # Which version does the workload web run?
  cvmanager cv get -n shop -o json --k8s-config ~/.kube/config | jq -r '.[] | select(.Name == "web").Version'`

const forms = ['table', 'wide', 'json', 'yaml'] as const
type Form = (typeof forms)[number]

export const cvGet: CliCommand = {
  path: ['cv', 'get'],

  describe(command) {
    command
      .description('Shows the current version of every managed workload')
      .addOption(new Option('-n, --namespace <NS>', 'Only of this namespace').conflicts('allNamespaces'))
      .option('-A, --all-namespaces', 'Of all namespaces; so also without --namespace')
      .addOption(new Option('-o, --output <FORM>', 'The form of the answer').choices(forms).default('table'))
    return addSettingsFlags(command, ['cluster']).addHelpText('after', examples)
  },

  async run(invocation, world) {
    const { namespace, output } = invocation.options
    const only = namespace === undefined ? undefined : namespaceFrom('--namespace', namespace)
    const settings = await settingsOf(invocation, world)
    const versions = await (await world.commands()).currentVersions({ settings, namespace: only })
    const form = output as Form
    if (versions.length === 0 && (form === 'table' || form === 'wide')) {
      world.complain(`No workload is managed by a ContainerVersion${only ? ` in namespace ${only}` : ''}.\n`)
      return exit.ok
    }
    world.print(rendered(versions, form))
    return exit.ok
  },
}

function rendered(versions: readonly WorkloadVersion[], form: Form): string {
  switch (form) {
    case 'json':
      return `${JSON.stringify(versions.map(fields), undefined, 2)}\n`
    case 'yaml':
      return stringify(versions.map(fields))
    case 'table':
      return table(heads, versions.map(cells))
    case 'wide':
      return table(
        [...heads, 'DIGEST'],
        versions.map((version) => [...cells(version), version.Digest ?? '<unknown>']),
      )
  }
}

/** Exactly those of the first cvmanager, in its order. */
const fields = ({ Namespace, Name, Type, Container, Version, AvailablePods, CV, Tag }: WorkloadVersion) => ({
  Namespace,
  Name,
  Type,
  Container,
  Version,
  AvailablePods,
  CV,
  Tag,
})

const heads = ['NAMESPACE', 'NAME', 'TYPE', 'CONTAINER', 'VERSION', 'PODS', 'CV', 'TAG']
const cells = (version: WorkloadVersion): readonly string[] => Object.values(fields(version)).map(String)

/** What the commands about one ContainerVersion have in common. */
import { Option } from 'commander'
import { stringify } from 'yaml'
import type { NamedObject } from '../commands/commands.ts'
import type { CommandLine } from './command-line/command-line.ts'
import type { Invocation } from './io.ts'
import { namespaceFrom, objectNameFrom } from './names.ts'
import { json } from './output.ts'
import { addSettingsFlags } from './settings-flags.ts'

/** The name, its namespace, the form of the output, and the flags of `more`; then those of the cluster. */
export function addObjectFlags(command: CommandLine, more: (command: CommandLine) => unknown = () => undefined): void {
  command
    .argument('<NAME>', 'The name of the ContainerVersion')
    .addOption(
      new Option('-n, --namespace <NS>', 'The namespace of the ContainerVersion').default(
        undefined,
        "that of the kubeconfig's context",
      ),
    )
  more(command)
  command.addOption(
    new Option('-o, --output <FORM>', 'The form of the output')
      .choices(['text', 'json', 'yaml'])
      .default(undefined, 'text'),
  )
  addSettingsFlags(command, ['cluster'])
}

/** @throws UsageError */
export function objectFrom({ options, operands }: Invocation): NamedObject {
  const { namespace } = options
  return {
    namespace: namespace === undefined ? undefined : namespaceFrom('--namespace', namespace),
    name: objectNameFrom('NAME', operands[0]),
  }
}

/** A document for programs, or text for people. */
export function inForm<T extends object>(form: unknown, value: T, text: (value: T) => string): string {
  if (form === 'json') return json(value)
  return form === 'yaml' ? stringify(value) : text(value)
}

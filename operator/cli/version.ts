/** `cvmanager version`. */
import { Option } from 'commander'
import { version } from '../version.ts'
import { type CliCommand, exit } from './io.ts'

export const versionCommand: CliCommand = {
  name: 'version',
  description: 'Print the version of cvmanager',
  addFlags: (command) =>
    command.addOption(
      new Option('-o, --output <FORM>', 'The form of the output').choices(['text', 'json']).default('text'),
    ),

  async run({ options }, io) {
    const text = `cvmanager ${version.version} (commit ${version.commit}, Node ${version.node})`
    io.print(`${options.output === 'json' ? JSON.stringify(version) : text}\n`)
    return exit.ok
  },
}

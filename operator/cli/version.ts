/** `cvmanager version`. */
import { Option } from 'commander'
import { version } from '../version.ts'
import { type CliCommand, exit } from './world.ts'

export const versionCommand: CliCommand = {
  path: ['version'],

  describe: (command) =>
    command
      .description('Says which cvmanager this is')
      .addOption(new Option('-o, --output <FORM>', 'The form of the answer').choices(['text', 'json']).default('text')),

  async run({ options }, world) {
    const text = `cvmanager ${version.version} (commit ${version.commit}, Node ${version.node})`
    world.print(`${options.output === 'json' ? JSON.stringify(version) : text}\n`)
    return exit.ok
  },
}

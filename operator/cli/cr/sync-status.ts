/** `cvmanager cr sync status`: the probe of the first cvmanager's syncers. */
import { Option } from 'commander'
import { heartbeatFile, lastBeatMs } from '../../commands/heartbeat.ts'
import { durationFrom } from '../duration.ts'
import { errorLine } from '../error-line.ts'
import { type CliCommand, exit } from '../io.ts'

export const crSyncStatus: CliCommand = {
  name: 'cr sync status',
  description: 'Check that cr sync is alive on this machine',
  isHidden: true,

  addFlags: (command) =>
    command.addOption(
      new Option('--by <DURATION>', 'How long ago the last sign of life may be, e.g. 5m').default('5m'),
    ),

  async run({ options }, io) {
    const maxAgeMs = durationFrom('--by', String(options.by))
    const beatMs = lastBeatMs()
    if (beatMs !== undefined && Date.now() - beatMs < maxAgeMs) return exit.ok
    const last = beatMs === undefined ? 'is not running here' : `was last alive at ${new Date(beatMs).toISOString()}`
    io.printError(errorLine(`cr sync ${last} (${heartbeatFile()})`))
    return exit.failure
  },

  help: `
Exit status: 0 if cr sync had contact with the cluster within that time; 1 if not; 2 a flag is wrong.`,
}

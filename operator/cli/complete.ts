/** `cvmanager complete -- WORDS`: what may follow, for the scripts of `cvmanager completion`, and for kubectl. */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadSettings } from '../config/settings.ts'
import { candidatesFor, type Place } from './completion/candidates.ts'
import { commandsOf, type Named } from './completion/tree.ts'
import { type CliCommand, exit, type Io } from './io.ts'

/** Whoever presses Tab waits no longer, with the start of this process; where that is slow, the cluster has its half all the same. */
const maxMs = 1_000
const minAnswerMs = 500

/** Kubectl's own words for what the shell does next (github.com/spf13/cobra: ShellCompDirective). */
const directive = { files: 0, noFiles: 4 } as const

export const complete: CliCommand = {
  name: 'complete',
  description: 'Print what may follow on a command line',
  isHidden: true,

  addFlags: (command) =>
    command
      .option('--for-kubectl', 'In the form of kubectl: with descriptions, and what the shell does next')
      .argument('[words...]', 'The words after the program; the last one is to be completed'),

  async run({ command, options, operands }, io) {
    const names = (named: Named, place: Place) => namesOf(named, place, io)
    const { candidates, areFiles } = await candidatesFor(commandsOf(command.program), operands, names)
    for (const { word, description } of candidates) {
      io.print(options.forKubectl && description ? `${word}\t${description}\n` : `${word}\n`)
    }
    if (options.forKubectl) io.print(`:${areFiles ? directive.files : directive.noFiles}\n`)
    return exit.ok
  },
}

/** Quiet: in the middle of a command line, nobody reads why there is nothing to offer. */
async function namesOf(named: Named, { namespace, context, kubeconfig }: Place, io: Io): Promise<readonly string[]> {
  const namesInCluster = await io.namesInCluster()
  const leftMs = Math.ceil(Math.max(minAnswerMs, maxMs - performance.now()))
  const reading = async () => {
    const settings = loadSettings({ flags: { k8sConfig: kubeconfig, k8sContext: context }, env: io.env })
    return namesInCluster(settings, named, namespace, AbortSignal.timeout(leftMs))
  }
  const late = sleep(leftMs, [], { ref: false })
  return await Promise.race([reading(), late]).catch(() => [])
}

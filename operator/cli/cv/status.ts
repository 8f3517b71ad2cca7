/** `cvmanager cv status`. */
import type { StatusTree } from '../../commands/status/tree.ts'
import { warningLine } from '../error-line.ts'
import { type CliCommand, exit, type Io } from '../io.ts'
import { addObjectFlags, inForm, objectFrom } from '../object-flags.ts'
import { settingsOf } from '../settings-flags.ts'
import { Redraw } from './redraw.ts'
import { statusLines } from './status-output.ts'

export const cvStatus: CliCommand = {
  name: 'cv status',
  description: 'Show a ContainerVersion with its rollout, checks, workloads and pods, as they are now',

  addFlags: (command) => addObjectFlags(command, (own) => own.option('-w, --watch', 'Go on showing it, until Ctrl-C')),

  async run(invocation, io) {
    const { options } = invocation
    const object = objectFrom(invocation)
    const watch = options.watch === true
    const settings = await settingsOf(invocation, io)
    const { status } = await io.clusterCommands()
    const shown =
      watch && options.output === undefined && io.columns !== undefined ? inPlace(io) : below(io, options.output)
    try {
      const signal = watch ? io.stopSignal() : new AbortController().signal
      await status(settings, { ...object, watch, signal, onTree: shown.show })
    } finally {
      shown.end()
    }
    return exit.ok
  },

  help: `
Examples:
  # What goes on, and what is wrong with which pod?
  cvmanager cv status web -n shop

  # Follow a rollout
  cvmanager cv status web -n shop --watch

  # For a program
  cvmanager cv status web -n shop -o json |
    jq -r '.workloads[].pods[] | select(.trouble).name'

With --watch, a terminal shows it in place. Elsewhere, each change is printed, as with -o json and -o yaml. NO_COLOR turns the
colours off.

Exit status: 0 shown; 1 the API server refused it; 2 a flag is wrong; 3 there is no such ContainerVersion, or it was deleted.`,
}

interface Shown {
  readonly show: (tree: StatusTree, trouble: string | undefined) => void
  readonly end: () => void
}

function inPlace(io: Io): Shown {
  const redraw = new Redraw(io.print)
  return {
    show: (tree, trouble) => {
      const lines = linesOf(tree, io)
      redraw.draw(
        trouble === undefined ? lines : [...lines, warningLine(trouble).trimEnd()],
        io.rows ?? lines.length + 2,
      )
    },
    end: () => redraw.end(),
  }
}

/** Prints each change below the last one. How long something lasts is no change. */
function below(io: Io, form: unknown): Shown {
  let last: string | undefined
  let lastTrouble: string | undefined
  const printed = (tree: StatusTree, now: number) => inForm(form, tree, (shown) => textOf(linesOf(shown, io, now)))
  return {
    show: (tree, trouble) => {
      if (trouble !== undefined && trouble !== lastTrouble) io.printError(warningLine(trouble))
      lastTrouble = trouble
      const lasting = printed(tree, 0)
      if (lasting === last) return
      const separator = last === undefined || form === 'json' ? '' : form === 'yaml' ? '---\n' : '\n'
      io.print(`${separator}${printed(tree, Date.now())}`)
      last = lasting
    },
    end: () => undefined,
  }
}

const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

function linesOf(tree: StatusTree, { columns, env }: Io, now = Date.now()): readonly string[] {
  const colours = columns !== undefined && !env.NO_COLOR && env.TERM !== 'dumb'
  return statusLines(tree, { columns, colours }, now)
}

/** What may stand at the end of a command line, with the names that the cluster has. */
import type { CompletedCommand, CompletedFlag, Named } from './tree.ts'

export interface Candidate {
  readonly word: string
  readonly description?: string
}

export interface Candidates {
  readonly candidates: readonly Candidate[]
  readonly areFiles: boolean
}

/** The flags that say which names are meant, as far as they stand before the last word. */
export interface Place {
  readonly namespace: string | undefined
  readonly context: string | undefined
  readonly kubeconfig: string | undefined
}

/** @param words those after the program, the last of which is to be completed; bash makes words of the = in `--output=json` */
export async function candidatesFor(
  commands: readonly CompletedCommand[],
  words: readonly string[],
  namesOf: (named: Named, place: Place) => Promise<readonly string[]>,
): Promise<Candidates> {
  const parts = words.flatMap((word) => (/^--[^=]+=/.test(word) ? word.split(/=(.*)/s).slice(0, 2) : [word]))
  const last = parts.at(-1) === '=' ? '' : (parts.at(-1) ?? '')
  const before = (parts.at(-1) === '=' ? parts : parts.slice(0, -1)).filter((word) => word !== '=')
  const command = commandAt(commands, before)
  const expecting = flagNamed(command, before.at(-1))
  const found = expecting && expecting.value !== 'none' ? await valuesOf(expecting) : await wordsOf()
  return { ...found, candidates: found.candidates.filter(({ word }) => word.startsWith(last)) }

  async function valuesOf({ value }: CompletedFlag): Promise<Candidates> {
    if (value === 'file') return { candidates: [], areFiles: true }
    if (typeof value === 'object') return plain(value.choices)
    return plain(value === 'any' || value === 'none' ? [] : await namesOf(value, placeIn(before)))
  }

  async function wordsOf(): Promise<Candidates> {
    const { children = [], operands = [], flags = [], takesObject = false } = command ?? {}
    if (last.startsWith('-')) {
      const all = flags.flatMap(({ names, description }) => names.map((word) => ({ word, description })))
      return { candidates: all, areFiles: false }
    }
    // One name is enough.
    const objects = takesObject && !hasOperand(command, before) ? await namesOf('objects', placeIn(before)) : []
    const commands = children.map(({ name, description }) => ({ word: name, description }))
    return { candidates: [...commands, ...plain([...operands, ...objects]).candidates], areFiles: false }
  }
}

const plain = (words: readonly string[]): Candidates => ({
  candidates: words.map((word) => ({ word })),
  areFiles: false,
})

/** The command that the words name; flags and their values stand between them. */
function commandAt(commands: readonly CompletedCommand[], words: readonly string[]): CompletedCommand | undefined {
  const at = words.reduce((path, word) => {
    const next = `${path} ${word}`
    return commands.some((command) => command.path === next) ? next : path
  }, '')
  return commands.find(({ path }) => path === at)
}

const flagNamed = (command: CompletedCommand | undefined, name = ''): CompletedFlag | undefined =>
  command?.flags.find(({ names }) => names.includes(name))

function hasOperand(command: CompletedCommand | undefined, words: readonly string[]): boolean {
  const depth = (command?.path.split(' ').length ?? 1) - 1
  const others = words.filter((word, at) => {
    const expecting = flagNamed(command, words[at - 1])
    return !word.startsWith('-') && (!expecting || expecting.value === 'none')
  })
  return others.length > depth
}

function placeIn(words: readonly string[]): Place {
  const after = (...names: readonly string[]) => {
    const at = words.findLastIndex((word) => names.includes(word))
    return at < 0 ? undefined : words[at + 1]
  }
  return {
    namespace: after('-n', '--namespace'),
    context: after('--context'),
    kubeconfig: after('--kubeconfig', '--k8s-config'),
  }
}

/** Holds the commands in the pages to the command line, the Makefile and the files of this checkout. Runs none of them. */
import { globSync } from 'node:fs'
import t from 'tap'
import type { CommandLine } from '../operator/cli/command-line/command-line.ts'
import { commandTree } from '../operator/cli/program.ts'
import { runCli } from '../operator/cli/run-cli.fixture.ts'
import { blocks, documents, inlineCode, read, root, type Snippet } from './documents.ts'

// Some 200 command lines, on a busy machine.
t.setTimeout(120_000)

const inBlocks = documents.flatMap((page) => blocks(page))
const inSentences = documents.flatMap((page) => inlineCode(page))

/** Where a command begins: in a shell, in a transcript, and in the YAML of a CI job. */
const begin = /(?:^|[|;&(] ?|\$ |- |run: |[A-Z_]+=\S+ )\s*/.source
const rest = /(?:'[^']*'|"[^"]*"|[^|;&<>()\n'"])*/.source

/** The commands that begin so, each up to a pipe, a redirection or the end of its line, with the first place that has it. */
function commandsIn(snippets: readonly Snippet[], beginning: string): ReadonlyMap<string, string> {
  const commands = snippets.flatMap(({ at, text }) => {
    const lines = text.replaceAll(/\\\n\s*/g, '').replaceAll(/(?:^|\s)# .*$/gm, '')
    const found = lines.matchAll(new RegExp(`${begin}((?:${beginning})${rest})`, 'gm'))
    return [...found].map(([, command = '']) => [command.trim(), at] as const)
  })
  return new Map(commands.reverse())
}

/** The words as a shell splits them. What a synopsis marks as optional is given, `…` is left out, and a variable is `x`. */
const wordsOf = (command: string): readonly string[] =>
  (command.replaceAll(/\$\{?[A-Z_]+(?:::7)?\}?/g, 'x').match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [])
    .map((word) => word.replaceAll(/^\[|\]$|['"]/g, ''))
    .filter((word) => word !== '…')

/** What the command line finds wrong with these words; nothing if it would do what they say. */
async function complaint(words: readonly string[]): Promise<string> {
  const { status, err } = await runCli(words, { configMap: {}, stdin: 'x' })
  // Files are of the reader's machine.
  return status === 2 && !err.includes('there is no file') ? err : ''
}

/** As above, for words that may not be all. */
async function complaintOfPart(words: readonly string[]): Promise<string> {
  const found = await complaint(words)
  const [, flag] = /(--[a-z-]+)(?: is missing|: say which)/.exec(found) ?? []
  const missing = flag ? [flag, 'x'] : found.includes('an argument is missing') ? ['x'] : undefined
  return missing && words.length < 20 ? complaintOfPart([...words, ...missing]) : found
}

t.test('the command line takes every command of cvmanager that a block of code has', async (t) => {
  const commands = commandsIn(inBlocks, '(?:bin/)?cvmanager [a-z]')
  t.ok(commands.size > 30, `${commands.size} commands`)
  for (const [command, at] of commands) {
    const [, ...words] = wordsOf(command)
    // The reference has its synopses from the command line itself.
    if (!words.includes('flags')) t.equal(await complaint(words), '', `${at}: ${command}`)
  }
})

/** Of the first cvmanager, and a line of the log. */
const noCommands = ['cvmanager dr', 'cvmanager ecr-sync', 'cvmanager is at work']

t.test('every command of cvmanager that a sentence names exists, with the flags that it names', async (t) => {
  const commands = commandsIn(inSentences, '(?:cvmanager|bin/cvmanager|kubectl cv|cr|cv|run|migrate) ')
  t.ok(commands.size > 60, `${commands.size} commands`)
  for (const [command, at] of commands) {
    const [program = '', ...words] = wordsOf(command)
    const all = /cvmanager|kubectl/.test(program) ? words : [program, ...words]
    const found = noCommands.some((name) => command.startsWith(name)) ? '' : await complaintOfPart(all)
    t.notMatch(found, /there is no such/, `${at}: ${command}`)
  }
})

/** Flags in the pages that the command line does not have. */
const flagsOfOthers = {
  docker: ['env', 'network', 'read-only', 'user', 'volume'],
  helm: ['set', 'take-ownership', 'values'],
  node: ['cpu-prof', 'cpu-prof-dir'],
  'bench/run.ts': ['n', 'changes', 'seconds'],
  'the past': ['kcd-img-repo', 'push-poll-factor'],
}

function flagsBelow(command: CommandLine): readonly string[] {
  return [
    ...command.options.flatMap(({ flags }) => flags.match(/--[a-z0-9-]+/g) ?? []),
    ...command.commands.flatMap(flagsBelow),
  ]
}

t.test('every flag that is named alone exists', (t) => {
  const others = Object.values(flagsOfOthers).flat()
  const known = new Set([...flagsBelow(commandTree()), '--help', ...others.map((flag) => `--${flag}`)])
  for (const [flags, at] of commandsIn([...inSentences, ...inBlocks], '--[a-z]')) {
    for (const flag of flags.match(/(?<=^| )--[a-z0-9-]*[a-z0-9](?=$|[ =])/g) ?? [])
      t.ok(known.has(flag), `${at}: ${flag}`)
  }
  t.end()
})

t.test('every target of make exists', (t) => {
  const targets = new Set(read('Makefile').match(/^[a-z0-9-]+(?=:.*##)/gm))
  const commands = commandsIn([...inSentences, ...inBlocks], 'make [a-z]')
  t.ok(commands.size > 10, `${commands.size} commands`)
  for (const [command, at] of commands) {
    const named = wordsOf(command)
      .filter((word) => /^[a-z0-9-]+$/.test(word))
      .slice(1)
    for (const target of named) t.ok(targets.has(target), `${at}: make ${target}`)
  }
  t.end()
})

t.test('every path of this checkout in a command exists', (t) => {
  const folders = 'bench|bin|charts|crds|deploy|docs|e2e|examples|image|operator|scripts'
  let count = 0
  for (const [command, at] of commandsIn(inBlocks, '[a-z(]')) {
    for (const path of wordsOf(command).filter((word) => new RegExp(`^(${folders})/`).test(word))) {
      t.ok(globSync(path, { cwd: root }).length > 0, `${at}: ${path}`)
      count += 1
    }
  }
  t.ok(count > 20, `${count} paths`)
  t.end()
})

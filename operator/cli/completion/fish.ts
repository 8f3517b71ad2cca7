/** A completion script for fish: one line per command and flag. */
import { type CompletedCommand, type CompletedFlag, pathsOf } from './tree.ts'

export function fishCompletion(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ path, children, flags, operands, takesObject }) => {
    const start = `complete -c cvmanager -n '__cvmanager_at "${path}"'`
    return [
      ...children.map(({ name, description }) => `${start} -a ${name} -d '${description}'`),
      ...operands.map((operand) => `${start} -a ${operand}`),
      ...(takesObject ? [`${start} -a '(__cvmanager_names)'`] : []),
      ...flags.map((flag) => `${start} ${fishFlag(flag)} -d '${flag.description}'`),
    ]
  })
  return `# fish completion for cvmanager. For this shell: cvmanager completion fish | source
function __cvmanager_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    contains -- "$at $word" ${pathsOf(commands).join(' ')}; and set at "$at $word"
  end
  test "$at" = "$argv[1]"
end
function __cvmanager_names
  set -l words (commandline -opc)
  $words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c cvmanager -f
${lines.join('\n')}
`
}

function fishFlag({ names, value }: CompletedFlag): string {
  const named = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ')
  if (value === 'none') return named
  if (value === 'any') return `${named} -x`
  if (value === 'file') return `${named} -r -F`
  return `${named} -x -a '${typeof value === 'object' ? value.choices.join(' ') : '(__cvmanager_names)'}'`
}

/** A completion script for bash 3.2 and later (macOS ships 3.2): no associative arrays, no mapfile. */
import { type CompletedCommand, choicesOf, isNamed, pathsOf, patternsOf } from './tree.ts'

export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const choices = choicesOf(commands).map(
    ({ patterns, choices }) => `    ${patterns}) COMPREPLY=($(compgen -W '${choices}' -- "$cur")); return ;;`,
  )
  const words = commands.map(({ path, children, flags, operands, takesObject }) => {
    const all = [...children.map(({ name }) => name), ...operands, ...flags.flatMap(({ names }) => names)]
    const names = takesObject ? `; [[ $cur == -* ]] || words=$(_cvmanager_names)` : ''
    return `    '${path}') words='${all.join(' ')}'${names} ;;`
  })
  return `# bash completion for cvmanager. For this shell: source <(cvmanager completion bash)
_cvmanager_names() { "\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null; }
_cvmanager() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" at='' words='' i
  # bash splits --output=json into three words
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${pathsOf(commands).join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $prev" in
${choices.join('\n')}
    ${patternsOf(commands, ({ value }) => value === 'file')})
      local IFS=$'\\n'
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$cur"))
      return ;;
    ${patternsOf(commands, isNamed)}) COMPREPLY=($(compgen -W "$(_cvmanager_names)" -- "$cur")); return ;;
    ${patternsOf(commands, ({ value }) => value === 'any')}) COMPREPLY=(); return ;;
  esac
  case "$at" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _cvmanager cvmanager
`
}

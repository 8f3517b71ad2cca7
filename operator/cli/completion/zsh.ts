/** A completion script for zsh, with the descriptions of commands and flags. */
import { type CompletedCommand, choicesOf, isNamed, pathsOf, patternsOf } from './tree.ts'

export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const choices = choicesOf(commands).map(
    ({ patterns, choices }) => `    ${patterns}) compadd -- ${choices}; return ;;`,
  )
  const offers = commands.map(({ path, children, flags, operands, takesObject }) => {
    const all = [
      ...children.map(({ name, description }) => `'${name}:${description}'`),
      ...operands.map((operand) => `'${operand}'`),
      ...flags.flatMap(({ names, description }) => names.map((name) => `'${name}:${description}'`)),
    ]
    const names = takesObject ? `[[ \${words[CURRENT]} == -* ]] || { _cvmanager_names; return }; ` : ''
    return `    '${path}') ${names}offers=(${all.join(' ')}) ;;`
  })
  return `#compdef cvmanager
# zsh completion for cvmanager. For this shell: source <(cvmanager completion zsh)
_cvmanager_names() { compadd -- \${(f)"$(\${words[1]} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"} }
_cvmanager() {
  local at='' word
  local -a offers
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${pathsOf(commands).join(' | ')}) at="$at $word" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${choices.join('\n')}
    ${patternsOf(commands, ({ value }) => value === 'file')}) _files; return ;;
    ${patternsOf(commands, isNamed)}) _cvmanager_names; return ;;
    ${patternsOf(commands, ({ value }) => value === 'any')}) return ;;
  esac
  case "$at" in
${offers.join('\n')}
  esac
  _describe 'cvmanager' offers
}
if [ "\${funcstack[1]}" = _cvmanager ]; then _cvmanager "$@"; else compdef _cvmanager cvmanager; fi
`
}

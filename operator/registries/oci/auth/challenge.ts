/** Reads `WWW-Authenticate` (RFC 9110, 11.6.1): which schemes a registry offers, with their parameters. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

const maxHeader = 8192
const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const quoted = /"((?:[^"\\]|\\.)*)"/y

/** Skips what it cannot read: one clear scheme is enough. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const text = header.slice(0, maxHeader)
  let position = 0

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match === null) return undefined
    position = pattern.lastIndex
    return match[1] ?? match[0]
  }
  const skip = (characters: string): void => {
    while (position < text.length && characters.includes(text.charAt(position))) position++
  }

  while (position < text.length) {
    skip(' \t,')
    const word = take(token)
    if (word === undefined) {
      position++
      continue
    }
    const afterWord = position
    skip(' \t')
    if (text.charAt(position) !== '=') {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() })
      position = afterWord
      continue
    }
    position++
    skip(' \t')
    const value = take(quoted)?.replace(/\\(.)/g, '$1') ?? take(token) ?? ''
    // The first of two equal names counts, so that nothing appended can change it.
    const parameters = challenges.at(-1)?.parameters
    if (parameters !== undefined && !parameters.has(word.toLowerCase())) parameters.set(word.toLowerCase(), value)
  }
  return challenges
}

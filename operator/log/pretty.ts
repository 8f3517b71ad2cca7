/** Log lines for people: time, level, message, and the remaining fields as `name=value`. */

export interface PrettyOptions {
  readonly colors: boolean
}

const levels: Readonly<Record<string, { readonly word: string; readonly color: number }>> = {
  trace: { word: 'TRACE', color: 90 },
  debug: { word: 'DEBUG', color: 90 },
  info: { word: 'INFO ', color: 32 },
  warn: { word: 'WARN ', color: 33 },
  error: { word: 'ERROR', color: 31 },
  fatal: { word: 'FATAL', color: 31 },
}

/** @param line one JSON object, as the logger writes it; anything else is returned unchanged */
export function pretty(line: string, { colors }: PrettyOptions): string {
  const entry = parse(line)
  if (entry === undefined) return line
  const { time, level, msg, err, ...fields } = entry
  const paint = (color: number, text: string) => (colors && text !== '' ? `\u001b[${color}m${text}\u001b[0m` : text)
  const { word, color } = levels[String(level)] ?? { word: String(level), color: 0 }
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`)
  const parts = [clockTime(time), paint(color, word), plain(String(msg ?? '')), paint(90, rest.join(' '))]
  const text = parts.filter((part) => part !== '').join(' ')
  return err === undefined ? text : `${text}\n${indented(err)}`
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null ? { ...entry } : undefined
  } catch {
    return undefined
  }
}

function clockTime(time: unknown): string {
  const date = new Date(String(time))
  return Number.isNaN(date.getTime()) ? '' : date.toTimeString().slice(0, 8)
}

const shown = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? plain(value) : plain(JSON.stringify(value))

function indented(err: unknown): string {
  const { message, stack } = typeof err === 'object' && err !== null ? ({ ...err } as Record<string, unknown>) : {}
  return plain(String(stack ?? message ?? JSON.stringify(err)), '\n').replaceAll(/^/gm, '    ')
}

/** Removes control characters: a message may quote a registry's response, which must not control the terminal. */
function plain(text: string, allowed = ''): string {
  return Array.from(text, (letter) => (/\p{Cc}/u.test(letter) && !allowed.includes(letter) ? ' ' : letter)).join('')
}

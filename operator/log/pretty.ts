/** Log lines for people: time, level, message, and the remaining fields as `name=value`. */

const gray = 90
const colorOf: Readonly<Record<string, number>> = { trace: gray, debug: gray, info: 32, warn: 33, error: 31, fatal: 31 }

interface Entry extends Readonly<Record<string, unknown>> {
  readonly time: string
  readonly level: string
}

/** @param line one JSON object, as the logger writes it */
export function pretty(line: string, colors: boolean): string {
  const { time, level, msg, error, ...fields }: Entry = JSON.parse(line)
  const paint = (color: number | undefined, text: string) =>
    colors && text ? `\u001b[${color}m${text}\u001b[0m` : text
  const clock = new Date(time).toTimeString().slice(0, 8)
  const word = level.toUpperCase().padEnd(5)
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`)
  const parts = [clock, paint(colorOf[level], word), plain(String(msg ?? '')), paint(gray, rest.join(' '))]
  const text = parts.filter((part) => part !== '').join(' ')
  return error === undefined ? text : `${text}\n${indented(error)}`
}

const shown = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? plain(value) : plain(JSON.stringify(value))

function indented(error: unknown): string {
  const { message, stack } =
    typeof error === 'object' && error !== null ? ({ ...error } as Record<string, unknown>) : {}
  return plain(String(stack ?? message ?? JSON.stringify(error)), '\n').replaceAll(/^/gm, '    ')
}

/** Removes control characters: a message may quote a registry's response, which must not control the terminal. */
function plain(text: string, allowed = ''): string {
  return Array.from(text, (letter) => (/\p{Cc}/u.test(letter) && !allowed.includes(letter) ? ' ' : letter)).join('')
}

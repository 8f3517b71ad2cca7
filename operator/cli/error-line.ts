import { messageOf } from '../errors.ts'
import { redactText } from '../log/redact.ts'

/** One line for standard error, without secrets: the value of an unknown flag may be a password (`--password=…`). */
export function errorLine(thrown: unknown): string {
  const message = messageOf(thrown)
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/^error: /, '')
    .replace(/^(unknown option '[^=']*)=.*'/, "$1'")
  return `error: ${redactText(message)}\n`
}

/** What is said on standard error when something went wrong. */
import { messageOf } from '../errors.ts'
import { redactText } from '../log/redact.ts'

/** One line, without secrets: what an unknown flag was given may be a password (`--password=…`). */
export function complaintOf(thrown: unknown): string {
  const line = messageOf(thrown)
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
  return redactText(line.replace(/^error: /, '').replace(/^(unknown option '[^=']*)=.*'/, "$1'"))
}

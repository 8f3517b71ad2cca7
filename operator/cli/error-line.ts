import { messageOf } from '../errors.ts'
import { shortDigest } from '../images/digest.ts'
import { redactText } from '../log/redact.ts'

/** One line for standard error, without secrets: the value of an unknown flag may be a password (`--password=…`). */
export function errorLine(thrown: unknown): string {
  const message = messageOf(thrown)
    .trim()
    .replace(/^error: /, '')
    .replace(/^(unknown option '[^=']*)=.*'/, "$1'")
  return `error: ${oneLine(message)}\n`
}

export const warningLine = (message: string): string => `warning: ${oneLine(message)}\n`

/** Without secrets, and with short digests. */
export const oneLine = (message: string): string => shortDigest(redactText(message.trim().replaceAll(/\s*\n\s*/g, ' ')))

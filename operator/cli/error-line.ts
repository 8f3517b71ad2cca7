import { messageOf } from '../errors.ts'
import { shortDigest } from '../images/digest.ts'
import { redactText } from '../log/redact.ts'

/** One line for standard error, without secrets. */
export function errorLine(thrown: unknown): string {
  return `error: ${oneLine(messageOf(thrown))}\n`
}

export const warningLine = (message: string): string => `warning: ${oneLine(message)}\n`

/** Without secrets, and with short digests. */
export const oneLine = (message: string): string => shortDigest(redactText(message.trim().replaceAll(/\s*\n\s*/g, ' ')))

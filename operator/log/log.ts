/** The logger: JSON, or lines for people, to standard error, without secrets. */
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { messageOf } from '../errors.ts'
import { pretty } from './pretty.ts'
import { redactFields, redactText } from './redact.ts'

export type { Logger } from 'pino'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface LogOptions {
  readonly logLevel: LogLevel
  /** `auto`: `pretty` on a terminal, otherwise `json`. */
  readonly logFormat: 'auto' | 'json' | 'pretty'
  /** Default: standard error. */
  readonly to?: DestinationStream
  readonly isTerminal?: boolean
  readonly colors?: boolean
}

const standardError = 2

export function createLogger({
  logLevel,
  logFormat,
  isTerminal = process.stderr.isTTY === true,
  colors = isTerminal && !process.env.NO_COLOR,
  // Synchronous, so that the last line before an exit is written.
  to = destination({ fd: standardError, sync: true }),
}: LogOptions): Logger {
  const forPeople = logFormat === 'pretty' || (logFormat === 'auto' && isTerminal)
  return pino(
    {
      level: logLevel,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      errorKey: 'error',
      serializers: { error: (error: unknown) => describe(error, logLevel) },
      hooks: { streamWrite: redactText },
    },
    forPeople ? { write: (line) => to.write(`${pretty(line, colors)}\n`) } : to,
  )
}

/**
 * Logs only these fields: errors of HTTP clients carry the request with its Authorization header. The stack is for
 * developers, so only the levels debug and trace show it.
 */
function describe(error: unknown, logLevel: LogLevel): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: messageOf(error) }
  return {
    type: error.name,
    message: error.message,
    ...('reason' in error && typeof error.reason === 'string' ? { reason: error.reason } : {}),
    ...(error.cause === undefined ? {} : { cause: messageOf(error.cause) }),
    ...(logLevel === 'debug' || logLevel === 'trace' ? { stack: error.stack } : {}),
  }
}

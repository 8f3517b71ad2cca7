/** Errors as answers: Problem Details for HTTP APIs (RFC 9457). */
import { STATUS_CODES } from 'node:http'

export type ProblemStatus = 400 | 401 | 403 | 404 | 500 | 503

export interface ProblemOptions {
  /** The parameter that cannot be used. */
  readonly parameter?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Ends a request. Its message is for the caller. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: ProblemStatus
  readonly parameter: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(status: ProblemStatus, detail: string, { parameter, headers = {} }: ProblemOptions = {}) {
    super(detail)
    this.status = status
    this.parameter = parameter
    this.headers = status === 503 ? { 'retry-after': '5', ...headers } : headers
  }

  get response(): Response {
    const { status, parameter, message: detail } = this
    const headers = { ...this.headers, 'content-type': 'application/problem+json' }
    return new Response(JSON.stringify({ title: STATUS_CODES[status], status, detail, parameter }), { status, headers })
  }
}

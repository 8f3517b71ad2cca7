import type { ServerResponse } from 'node:http'

/** A request to the API server. */
export interface SeenRequest {
  /** Reads and writes of Leases do not count as such. */
  readonly kind: 'write' | 'read' | 'watch' | 'lease'
  /** Such as `PATCH deployments/web`. */
  readonly what: string
  /** From 1: of all writes, or of all reads; 0 of others. */
  readonly number: number
  /** The process, as its kubeconfig names it. */
  readonly user: string
}

/** What a proxy does with a request. */
export type Fault =
  /** Answers for the API server. */
  | { readonly fault: 'refuse'; readonly status: number; readonly retryAfterSeconds?: number | undefined }
  | { readonly fault: 'delay'; readonly ms: number }
  /** Does something first. */
  | { readonly fault: 'meanwhile'; readonly act: () => Promise<void> }
  /** The API server receives it twice, and its second answer counts. */
  | { readonly fault: 'double' }
  /** The API server receives it, but its answer is lost. */
  | { readonly fault: 'drop' }
  /** The API server does not receive it, and the connection ends only after this time. */
  | { readonly fault: 'hang'; readonly ms: number }
  /** Answers with a list of some time ago. */
  | { readonly fault: 'older list' }
  /** The process dies: before the API server sees the write, after it has committed it, or while it is on its way. */
  | {
      readonly fault: 'kill'
      readonly when: 'before' | 'after' | 'during'
      readonly now: () => void
      /** When the write arrives then. */
      readonly lateMs?: number | undefined
    }

const reasons: Readonly<Record<number, string>> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
}

/** Answers as the API server would. */
export function refusal(
  { status, retryAfterSeconds }: Extract<Fault, { readonly fault: 'refuse' }>,
  response: ServerResponse,
): void {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: status,
    reason: reasons[status],
    message: 'refused by the test',
  }
  const headers = {
    'content-type': 'application/json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  }
  response.writeHead(status, headers).end(JSON.stringify(body))
}

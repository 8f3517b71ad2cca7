/** How many requests a registry still allows, as Docker Hub says it (docs.docker.com, "Docker Hub usage and limits"). */
import type { IncomingHttpHeaders } from 'node:http'

export interface Allowance {
  /** Pulls in the window; 0 is never read. */
  readonly limit: number
  readonly remaining: number
}

/** `76;w=21600`: so many in a window of so many seconds. */
const counted = /^\s*(\d{1,9})\s*(?:;.*)?$/

/** Of `ratelimit-limit` and `ratelimit-remaining`, which come with HEAD too; undefined where either is missing. */
export function allowanceOf(headers: IncomingHttpHeaders): Allowance | undefined {
  const limit = numberOf(headers['ratelimit-limit'])
  const remaining = numberOf(headers['ratelimit-remaining'])
  if (limit === undefined || remaining === undefined || limit === 0) return undefined
  return { limit, remaining: Math.min(remaining, limit) }
}

function numberOf(header: string | string[] | undefined): number | undefined {
  const [, digits] = counted.exec(header?.toString().slice(0, 100) ?? '') ?? []
  return digits === undefined ? undefined : Number(digits)
}

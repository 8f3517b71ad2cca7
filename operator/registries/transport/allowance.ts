/** How many requests a registry still allows, as Docker Hub reports it (docs.docker.com, "Docker Hub usage and limits"). */
import type { IncomingHttpHeaders } from 'node:http'

export interface Allowance {
  /** Pulls in the window; never 0. */
  readonly limit: number
  readonly remaining: number
}

/** `76;w=21600`: 76 in a window of 21600 seconds. */
const counted = /^\s*(\d{1,9})\s*(?:;.*)?$/
const maxHeaderLength = 100

/**
 * Reads `ratelimit-limit` and `ratelimit-remaining`, which come with HEAD too.
 * @returns undefined if one of them is missing
 */
export function allowanceOf(headers: IncomingHttpHeaders): Allowance | undefined {
  const limit = numberOf(headers['ratelimit-limit'])
  if (limit === undefined || limit === 0) return undefined
  const remaining = numberOf(headers['ratelimit-remaining'])
  return remaining === undefined ? undefined : { limit, remaining: Math.min(remaining, limit) }
}

function numberOf(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined
  const [, digits] = counted.exec(header.toString().slice(0, maxHeaderLength)) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** A day would already be absurd; a registry cannot switch polling off for longer than this. */
const longestMs = 3_600_000

/**
 * The delay that a `Retry-After` header asks for, in milliseconds (RFC 9110, 10.2.3: seconds or an HTTP date).
 * @param wallClockMs milliseconds since the epoch, to measure a date against; the answer's own `Date` where it has one
 */
export function retryAfterMs(header: string | undefined, wallClockMs: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, longestMs)
  // Date.parse takes far more than HTTP dates, "1" and "2024" among them.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at - wallClockMs, 0), longestMs)
}

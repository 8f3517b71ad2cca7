/** A registry cannot switch polling off for longer than this. */
const maxMs = 3_600_000

/**
 * The delay in a `Retry-After` header, in milliseconds (RFC 9110, 10.2.3: seconds or an HTTP date).
 * @param date the `Date` of the answer, to which an HTTP date is relative; without it, the time of this machine
 */
export function retryAfterMs(header: string | undefined, date: string | undefined): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, maxMs)
  // Date.parse accepts far more than HTTP dates, such as "1" and "2024".
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined
  const at = Date.parse(text)
  if (Number.isNaN(at)) return undefined
  const now = Date.parse(date ?? '')
  return Math.min(Math.max(at - (Number.isNaN(now) ? Date.now() : now), 0), maxMs)
}

/**
 * Compares two resourceVersions of the same resource: below 0 where `a` is older. They are decimal numbers, without
 * leading zeros, that may exceed 53 bits; that they may be compared is documented since Kubernetes 1.35
 * (KEP-5504, "Comparable Resource Version").
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

/**
 * Compares two resourceVersions of one resource: below 0 if `a` is older. They are decimal numbers without leading zeros
 * that may exceed 53 bits. Kubernetes documents since 1.35 that they can be compared (KEP-5504, "Comparable Resource
 * Version").
 */
export function compareResourceVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

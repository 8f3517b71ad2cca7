import { createHash } from 'node:crypto'

/** The longest name of an object that is a DNS subdomain (RFC 1123). */
const longestName = 253

/** The ConfigMap of a workload's history. A workload's name may be too long to carry the ending: then it is cut and hashed (B43). */
export function historyName(workload: string): string {
  const name = `${workload}.history`
  if (name.length <= longestName) return name
  const hash = createHash('sha256').update(workload).digest('hex').slice(0, 8)
  return `${workload.slice(0, longestName - '.history'.length - hash.length - 1).replace(/[^a-z0-9]+$/, '')}-${hash}.history`
}

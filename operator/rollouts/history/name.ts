import { createHash } from 'node:crypto'

/** The API server's limit, for names that are DNS subdomains (RFC 1123). */
const maxNameLength = 253

/** Names the ConfigMap of a workload's history. If the workload's name leaves no room for the ending, it is cut and hashed (B43). */
export function historyName(workload: string): string {
  const name = `${workload}.history`
  if (name.length <= maxNameLength) return name
  const hash = createHash('sha256').update(workload).digest('hex').slice(0, 8)
  const ending = `-${hash}.history`
  return `${workload.slice(0, maxNameLength - ending.length).replace(/[^a-z0-9]+$/, '')}${ending}`
}

import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

/** In one line: on what, and beside how much else, the figures were taken. */
export function machine(): string {
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const load = (loadavg()[0] ?? 0).toFixed(2)
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'}), ${memory}, ${type()} ${release()}, Node ${process.versions.node}; load average at the start ${load}`
}

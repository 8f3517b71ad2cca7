import { networkInterfaces } from 'node:os'

/** An address of this machine that is neither loopback nor link-local; undefined if it has none. */
export function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const own = all.filter(({ family, internal }) => family === 'IPv4' && !internal)
  return own.map(({ address }) => address).find((address) => !address.startsWith('169.254.'))
}

/**
 * The range of the Services' addresses. Nothing routes to them, as there is no kube-proxy: so the range has the machine's own
 * address, and a Service that takes it leads to whatever listens there.
 */
export function serviceRange(): string {
  const [first, second, third] = (ownAddress() ?? '10.96.0.1').split('.')
  return `${first}.${second}.${third}.0/24`
}

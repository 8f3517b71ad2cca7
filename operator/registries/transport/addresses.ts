/**
 * Which addresses a connection may go to. An answer of a registry can name a host, in a token realm or a redirect, and a
 * tenant can name the registry. Neither may make cvmanager read the cloud's metadata service or a service on its own
 * loopback. The check is on the address that a socket is about to connect to, not on the name (S4).
 */
import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Never a registry: link-local (the metadata services of all large clouds), unspecified, multicast. */
const neverAllowed = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
] as const) {
  neverAllowed.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::', 128],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  neverAllowed.addSubnet(network, prefix, 'ipv6')
}
// Metadata services at addresses that are not link-local: AWS over IPv6, Alibaba Cloud, Oracle Cloud.
neverAllowed.addAddress('fd00:ec2::254', 'ipv6')
neverAllowed.addAddress('100.100.100.200', 'ipv4')
neverAllowed.addAddress('192.0.0.192', 'ipv4')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Who named a destination: the settings or a ContainerVersion, an answer of a registry, or cvmanager's own code, which
 * alone may name the metadata service of the platform.
 */
export type Destination = 'configured' | 'answered' | 'platform'

export function mayConnect(address: string, destination: Destination): boolean {
  const plain = withoutZone(address)
  const family = isIP(plain)
  if (family === 0) return false
  if (destination === 'platform') return true
  for (const form of family === 6 ? [plain, ...embeddedIpv4(plain)] : [plain]) {
    const kind = isIP(form) === 6 ? 'ipv6' : 'ipv4'
    if (neverAllowed.check(form, kind)) return false
    if (destination === 'answered' && loopback.check(form, kind)) return false
  }
  return true
}

const withoutZone = (address: string): string => address.replace(/%.*$/, '')

/** IPv4 in IPv6: mapped, compatible, NAT64 and 6to4 addresses all lead to an IPv4 address. */
function embeddedIpv4(address: string): string[] {
  const groups = ipv6Groups(address)
  const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const zeros = (count: number): boolean => groups.slice(0, count).every((group) => group === 0)
  if (zeros(5) && groups[5] === 0xffff) return [dotted(groups[6], groups[7])]
  if (zeros(6) && address !== '::1') return [dotted(groups[6], groups[7])]
  if (groups[0] === 0x64 && groups[1] === 0xff9b) return [dotted(groups[6], groups[7])]
  if (groups[0] === 0x2002) return [dotted(groups[1], groups[2])]
  return []
}

function ipv6Groups(address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const left = parse(head)
  const right = parse(tail ?? '')
  return tail === undefined ? left : [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress'
}

/** A `lookup` for sockets that returns only allowed addresses. */
export function guardedLookup(destination: Destination): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, [])
      const allowed = found.filter(({ address }) => mayConnect(address, destination))
      const [first] = allowed
      if (first === undefined)
        return callback(new ForbiddenAddress(`${hostname} is at an address that is not allowed`), [])
      return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family)
    })
  }
}

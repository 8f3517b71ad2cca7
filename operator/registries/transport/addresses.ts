/**
 * Which addresses a connection may go to. An answer of a registry can name a host, in a token realm or a redirect, and a
 * tenant can name the registry. Neither may make cvmanager read the cloud's metadata service or a service on its own
 * loopback, unless the settings name it. The check is on the address that a socket is about to connect to, not on the name
 * (S4).
 */
import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

type Family = 'ipv4' | 'ipv6'

const networks = (family: Family, ...all: readonly (readonly [network: string, prefix: number])[]): BlockList => {
  const list = new BlockList()
  for (const [network, prefix] of all) list.addSubnet(network, prefix, family)
  return list
}

/** Never a registry: what is link-local, unspecified, multicast or broadcast, and the metadata services of clouds. */
const neverAllowed = {
  ipv4: networks(
    'ipv4',
    ['0.0.0.0', 8],
    // The metadata services of nearly all clouds, ECS tasks (.170.2) and EKS pod identities (.170.23) included.
    ['169.254.0.0', 16],
    // Multicast, reserved, and broadcast.
    ['224.0.0.0', 3],
    // Alibaba Cloud (alibabacloud.com/help/ecs, "Instance metadata").
    ['100.100.100.200', 32],
    // Azure's host (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
    ['168.63.129.16', 32],
    // Protocol assignments (RFC 6890), in which Oracle Cloud Classic had its metadata at .192.
    ['192.0.0.0', 24],
  ),
  ipv6: networks(
    'ipv6',
    ['::', 128],
    // Link-local, also OpenStack's metadata service at fe80::a9fe:a9fe (docs.openstack.org/nova, "Metadata service").
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8],
    // AWS: metadata ::254, EKS pod identities ::23, DNS ::253, time ::123 (AWS, "IPv6 on AWS" and "EKS Pod Identity").
    ['fd00:ec2::', 32],
    // Google Cloud (cloud.google.com/compute/docs/metadata/querying-metadata).
    ['fd20:ce::254', 128],
    // Oracle Cloud (github.com/oracle/oci-python-sdk, instance_principals_security_token_signer.py).
    ['fd00:c1::a9fe:a9fe', 128],
    // Scaleway (docs.cloud-init.io, "Scaleway").
    ['fd00:42::42', 128],
    // Akamai, formerly Linode (techdocs.akamai.com/cloud-computing/docs/metadata-service-api).
    ['fd00:a9fe:a9fe::1', 128],
    // Alibaba Cloud over IPv6, as lists of such addresses in other projects have it.
    ['fd00:100::100:200', 128],
  ),
}

const loopback = { ipv4: networks('ipv4', ['127.0.0.0', 8]), ipv6: networks('ipv6', ['::1', 128]) }

/**
 * Who named a destination: a ContainerVersion or a command (`configured`), an answer of a registry, the settings and the
 * environment of the manager, or cvmanager's own code, which alone may name the metadata service of the platform.
 */
export type Destination = 'configured' | 'answered' | 'settings' | 'platform'

/** Tenants learn nothing of what listens on cvmanager's own machine: loopback is for what the manager's settings name. */
export function mayConnect(address: string, destination: Destination): boolean {
  const plain = withoutZone(address)
  if (isIP(plain) === 0) return false
  if (destination === 'platform') return true
  return formsOf(plain).every(
    (form) => !isIn(neverAllowed, form) && (destination === 'settings' || !isIn(loopback, form)),
  )
}

/** Whether a host, as it stands in a URL, is loopback whatever a resolver says (RFC 6761). */
export function isLoopbackName(hostname: string): boolean {
  const name = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  if (isIP(name) !== 0) return formsOf(name).some((form) => isIn(loopback, form))
  return name === 'localhost' || name.endsWith('.localhost')
}

const isIn = (lists: typeof loopback, address: string): boolean => {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  return lists[family].check(address, family)
}

/** The address, and the IPv4 addresses that it leads to. */
const formsOf = (address: string): readonly string[] =>
  isIP(address) === 6 ? [address, ...embeddedIpv4(address)] : [address]

const withoutZone = (address: string): string => address.replace(/%.*$/, '')

/**
 * IPv4 in IPv6: mapped, translated (RFC 2765) and compatible addresses, NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), Teredo
 * (RFC 4380) and ISATAP (RFC 5214) all lead to an IPv4 address.
 */
function embeddedIpv4(address: string): string[] {
  const groups = ipv6Groups(address)
  const [first, second, third = 0, , fifth = 0, sixth, seventh = 0, last = 0] = groups
  const dotted = (high: number, low: number): string => [high >> 8, high & 255, low >> 8, low & 255].join('.')
  const zeros = (count: number): boolean => groups.slice(0, count).every((group) => group === 0)
  const atEnd = [dotted(seventh, last)]
  if (zeros(5) && sixth === 0xffff) return atEnd
  if (zeros(4) && fifth === 0xffff && sixth === 0) return atEnd
  if (zeros(6) && address !== '::1') return atEnd
  if (first === 0x64 && second === 0xff9b) return third === 1 ? afterPrefix(groups) : atEnd
  if (first === 0x2002) return [dotted(second ?? 0, third)]
  if (first === 0x2001 && second === 0) return [dotted(seventh ^ 0xffff, last ^ 0xffff)]
  if ((fifth & 0xfdff) === 0 && sixth === 0x5efe) return atEnd
  return []
}

/** A prefix for local use has 48, 56, 64 or 96 bits. The octet after 64 bits is no part of the IPv4 address. */
function afterPrefix(groups: readonly number[]): string[] {
  const octets = groups.flatMap((group) => [group >> 8, group & 255]).toSpliced(8, 1)
  return [6, 7, 8, 11].flatMap((from) => (octets[from] === 0 ? [] : octets.slice(from, from + 4).join('.')))
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

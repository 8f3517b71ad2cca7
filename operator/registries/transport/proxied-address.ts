/**
 * A proxy resolves names itself. cvmanager still checks what it can, and passes on no name that leads to a metadata service
 * or to loopback.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Destination, mayConnect } from './addresses.ts'
import { Unreachable } from './unreachable.ts'

/** Where only the proxy can resolve names, the local resolver may take long to say so. */
const maxLookupMs = 1_000
/** Names of the clouds' metadata services, for when they cannot be looked up here. */
const metadataNames =
  /^(?:metadata(?:\.google\.internal|\.goog|\.tencentyun\.com)?|instance-data(?:\..*)?|api\.metadata\.cloud\.ibm\.com)\.?$/i

/** @throws Unreachable `forbidden` */
export async function assertAllowedName(hostname: string, destination: Destination): Promise<void> {
  if (metadataNames.test(hostname)) throw forbidden(hostname)
  if (isIP(hostname) !== 0) return
  const giveUp = new AbortController()
  const found = await Promise.race([
    lookup(hostname, { all: true }).catch(() => []),
    sleep(maxLookupMs, [], { ref: false, signal: giveUp.signal }).catch(() => []),
  ])
  giveUp.abort()
  // The proxy chooses among them, so one is enough.
  if (found.some(({ address }: { address: string }) => !mayConnect(address, destination))) throw forbidden(hostname)
}

const forbidden = (hostname: string): Unreachable =>
  new Unreachable('forbidden', `${hostname} is at an address that is not allowed`)

/**
 * Behind a proxy it is the proxy that looks names up and connects. What is known here is checked all the same: a name that
 * leads to a metadata service or to loopback is not passed on.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Destination, mayConnect } from './addresses.ts'
import { Unreachable } from './exchange.ts'

/** Where all names are the proxy's to know, a resolver may take its time to say so. */
const longestLookupMs = 1_000
/** By which the clouds' metadata services are known where nobody can look them up. */
const metadataNames = /^(?:metadata|metadata\.google\.internal|instance-data(?:\..*)?)\.?$/i

/** @throws Unreachable `forbidden` */
export async function assertResolvesWell(hostname: string, destination: Destination): Promise<void> {
  if (metadataNames.test(hostname)) throw forbidden(hostname)
  if (isIP(hostname) !== 0) return
  const giveUp = new AbortController()
  const found = await Promise.race([
    lookup(hostname, { all: true }).catch(() => []),
    sleep(longestLookupMs, [], { ref: false, signal: giveUp.signal }).catch(() => []),
  ])
  giveUp.abort()
  // The proxy would choose among them, so one is enough.
  if (found.some(({ address }: { address: string }) => !mayConnect(address, destination))) throw forbidden(hostname)
}

const forbidden = (hostname: string): Unreachable =>
  new Unreachable('forbidden', `${hostname} is at an address that is not allowed`)

/**
 * GitHub's `package` and `registry_package` events (docs.github.com/webhooks/webhook-events-and-payloads), signed by
 * X-Hub-Signature-256 over the raw body (docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries).
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Place } from '../../polling/places.ts'
import { secretsOf } from '../tokens.ts'
import { at, placeOf, reading, textAt } from './payload.ts'
import type { ReceiverKind } from './receiver.ts'

const events = new Set(['package', 'registry_package'])
const actions = new Set(['published', 'updated'])

function isSigned(signature: string | undefined, body: Buffer, secrets: readonly string[]): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/.exec(signature ?? '')?.[1]
  if (hex === undefined) return false
  const shown = Buffer.from(hex, 'hex')
  let found = false
  for (const secret of secrets)
    found = timingSafeEqual(createHmac('sha256', secret).update(body).digest(), shown) || found
  return found
}

/**
 * The whole package: an event names one tag at most, however many have moved, and none where a tag was put on an image
 * that was there before.
 */
function packagePlace(payload: unknown): Place | undefined {
  if (!actions.has(textAt(payload, 'action') ?? '')) return undefined
  const about = at(payload, 'package') ?? at(payload, 'registry_package')
  const url = textAt(about, 'package_version', 'package_url')?.toLowerCase()
  if (url?.startsWith('ghcr.io/')) return placeOf(url.replace(/[:@].*$/, ''))
  const type = textAt(about, 'package_type')?.toLowerCase()
  const owner = textAt(about, 'owner', 'login')
  const name = textAt(about, 'name')
  if (type !== 'container' || owner === undefined || name === undefined) return undefined
  // GitHub's names have capitals, image names have none.
  return placeOf(`ghcr.io/${owner}/${name}`.toLowerCase())
}

export const ghcr: ReceiverKind = {
  make: (secret) => {
    const secrets = secretsOf(secret)
    return {
      authenticate: async (head, body) => {
        const signature = head.header('x-hub-signature-256')
        return signature !== undefined && isSigned(signature, await body(), secrets)
      },
      read: (payload, head) => {
        const ours = events.has(head.header('x-github-event') ?? '')
        return reading([ours ? packagePlace(payload) : undefined])
      },
    }
  },
}

/**
 * GitHub's `package` and `registry_package` events (docs.github.com/webhooks/webhook-events-and-payloads), signed by
 * X-Hub-Signature-256 over the raw body (docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries).
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { hintOf, type PushHint } from '../hint.ts'
import { secretsOf } from '../shared-secrets.ts'
import { at, payloadOf, textAt } from './payload.ts'
import type { ReceiverKind } from './receiver.ts'

const events = new Set(['package', 'registry_package'])
const actions = new Set(['published', 'updated'])

/** Tries all secrets, so that the time it takes does not depend on which of them matches. */
function isSigned(signature: string, body: Buffer, secrets: readonly string[]): boolean {
  const hex = /^sha256=([0-9a-f]{64})$/.exec(signature)?.[1]
  if (hex === undefined) return false
  const sent = Buffer.from(hex, 'hex')
  const matching = secrets.filter((secret) => timingSafeEqual(createHmac('sha256', secret).update(body).digest(), sent))
  return matching.length > 0
}

/**
 * The whole package. An event names one tag at most, however many tags have moved, and none where a tag was put on an
 * existing image.
 */
function hintOfPackage(payload: unknown): PushHint | undefined {
  if (!actions.has(textAt(payload, 'action') ?? '')) return undefined
  const about = at(payload, 'package') ?? at(payload, 'registry_package')
  const url = textAt(about, 'package_version', 'package_url')?.toLowerCase()
  if (url?.startsWith('ghcr.io/')) return hintOf(url.replace(/[:@].*$/, ''))
  const type = textAt(about, 'package_type')?.toLowerCase()
  const owner = textAt(about, 'owner', 'login')
  const name = textAt(about, 'name')
  if (type !== 'container' || owner === undefined || name === undefined) return undefined
  // GitHub's names may have capitals, image names may not.
  return hintOf(`ghcr.io/${owner}/${name}`.toLowerCase())
}

export const ghcr: ReceiverKind = (secret) => {
  const secrets = secretsOf(secret)
  return {
    authenticate: async (head, body) => {
      const signature = head.header('x-hub-signature-256')
      return signature !== undefined && isSigned(signature, await body(), secrets)
    },
    parse: (payload, head) => {
      const isPackageEvent = events.has(head.header('x-github-event') ?? '')
      return payloadOf([isPackageEvent ? hintOfPackage(payload) : undefined])
    },
  }
}

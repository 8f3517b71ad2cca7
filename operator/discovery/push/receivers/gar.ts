/**
 * Google Artifact Registry: messages of its topic `gcr` (cloud.google.com/artifact-registry/docs/configure-notifications),
 * brought by a Pub/Sub push subscription with authentication: a token signed by Google instead of a secret that both
 * sides know (cloud.google.com/pubsub/docs/authenticate-push-subscriptions).
 */
import { parse } from 'yaml'
import type { Place } from '../../polling/places.ts'
import type { ExpectedToken } from '../google-tokens.ts'
import { at, placeOfImage, reading, textAt } from './payload.ts'
import { MalformedPayload, type ReceiverKind, SecretUnusable } from './receiver.ts'

/** Two image names of the longest, in base64. */
const longestMessage = 4096

/** @throws SecretUnusable */
export function expectedOf(text: string): ExpectedToken {
  let content: unknown
  try {
    content = parse(text)
  } catch {
    // Said below.
  }
  const audience = textAt(content, 'audience')
  const email = textAt(content, 'email')
  if (audience === undefined || email === undefined || !email.includes('@')) {
    throw new SecretUnusable('it must have the two lines "audience: …" and "email: …" of the push subscription')
  }
  return { audience, email }
}

/** @throws MalformedPayload */
function notification(payload: unknown): unknown {
  const data = at(payload, 'message', 'data')
  if (typeof data !== 'string' || data.length > longestMessage)
    throw new MalformedPayload('there is no message.data of a usable length')
  try {
    return JSON.parse(Buffer.from(data, 'base64').toString())
  } catch {
    throw new MalformedPayload('message.data is not JSON in base64')
  }
}

function pushedPlace(message: unknown): Place | undefined {
  // An image without a tag has only its digest there.
  const tag = textAt(message, 'tag')
  const digest = textAt(message, 'digest')?.replace(/^.*@/, '')
  return textAt(message, 'action') === 'INSERT' && tag !== undefined ? placeOfImage(tag, digest) : undefined
}

export const gar: ReceiverKind = {
  make: (secret, { googleTokens }) => {
    const expected = expectedOf(secret)
    return {
      authenticate: async (head) => {
        const token = /^Bearer (\S+)$/i.exec(head.header('authorization') ?? '')?.[1]
        return token !== undefined && (await googleTokens.isValid(token, expected))
      },
      read: (payload) => reading([pushedPlace(notification(payload))]),
    }
  },
}

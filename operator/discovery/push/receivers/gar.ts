/**
 * Google Artifact Registry: messages of its topic `gcr` (cloud.google.com/artifact-registry/docs/configure-notifications),
 * which a Pub/Sub push subscription delivers. A token that Google signs takes the place of a shared secret
 * (cloud.google.com/pubsub/docs/authenticate-push-subscriptions).
 */
import { parse } from 'yaml'
import type { ExpectedToken } from '../google-tokens.ts'
import { hintOfImage, type PushHint } from '../hint.ts'
import { at, payloadOf, textAt } from './payload.ts'
import { MalformedPayload, type ReceiverKind, UnusableSecret } from './receiver.ts'

/** Two image names of the greatest length, in base64. */
const maxMessageLength = 4096

/** @throws UnusableSecret */
function expectedToken(text: string): ExpectedToken {
  let content: unknown
  try {
    content = parse(text)
  } catch {
    // Reported below.
  }
  const audience = textAt(content, 'audience')
  const email = textAt(content, 'email')
  if (audience === undefined || email === undefined || !email.includes('@')) {
    throw new UnusableSecret('it must have the two lines "audience: …" and "email: …" of the push subscription')
  }
  return { audience, email }
}

/** @throws MalformedPayload */
function messageOf(payload: unknown): unknown {
  const data = at(payload, 'message', 'data')
  if (typeof data !== 'string' || data.length > maxMessageLength)
    throw new MalformedPayload('there is no message.data of a valid length')
  try {
    return JSON.parse(Buffer.from(data, 'base64').toString())
  } catch {
    throw new MalformedPayload('message.data is not JSON in base64')
  }
}

/** The field `tag` is a whole image name; an image without a tag has only `digest`. */
function hintOfMessage(message: unknown): PushHint | undefined {
  const image = textAt(message, 'tag')
  return textAt(message, 'action') === 'INSERT' && image !== undefined ? hintOfImage(image) : undefined
}

export const gar: ReceiverKind = (secret, { googleTokens }) => {
  const expected = expectedToken(secret)
  return {
    authenticate: async (head) => {
      const token = /^Bearer (\S+)$/i.exec(head.header('authorization') ?? '')?.[1]
      return token !== undefined && (await googleTokens.isValid(token, expected))
    },
    parse: (payload) => payloadOf([hintOfMessage(messageOf(payload))]),
  }
}

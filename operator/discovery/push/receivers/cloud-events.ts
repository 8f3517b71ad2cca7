/**
 * CloudEvents from any sender, in structured, batched and binary form (cloudevents.io, HTTP protocol binding), authorized
 * as its "HTTP 1.1 Web Hooks for Event Delivery" says: by a bearer token, or by `access_token` in the URL. `data.image` or
 * `subject` names the image: `registry.example.com/shop/web:env-prod`.
 */
import { hintOfImage, type PushHint } from '../hint.ts'
import { sharedSecretReceiver } from '../shared-secrets.ts'
import { handshake } from './handshake.ts'
import { listOf, payloadOf, textAt } from './payload.ts'
import { type Head, MalformedPayload, type ParsedPayload, type ReceiverKind } from './receiver.ts'

function parse(payload: unknown, head: Head): ParsedPayload {
  if (head.header('ce-specversion') !== undefined) {
    return payloadOf([hintOfImage(textAt(payload, 'image') ?? head.header('ce-subject') ?? '')])
  }
  const events = Array.isArray(payload) ? listOf(payload, 'the batch') : [payload]
  return payloadOf(events.map(hintOfEvent))
}

function hintOfEvent(event: unknown): PushHint | undefined {
  if (textAt(event, 'specversion') === undefined) throw new MalformedPayload('there is an event without a specversion')
  return hintOfImage(textAt(event, 'data', 'image') ?? textAt(event, 'subject') ?? '')
}

export const cloudEvents: ReceiverKind = (secret) => ({
  ...sharedSecretReceiver(secret, { parameter: 'access_token' }, parse),
  handshake,
})

/**
 * CloudEvents of anybody who can send one, in structured, batched and binary form (cloudevents.io, HTTP protocol binding),
 * authorized as its "HTTP 1.1 Web Hooks for Event Delivery" has it: a bearer token, or `access_token` in the URL.
 * The image stands in `data.image`, or in `subject`: `registry.example.com/shop/web:env-prod`.
 */
import type { Place } from '../../polling/places.ts'
import { tokenReceiver } from '../tokens.ts'
import { handshake } from './handshake.ts'
import { at, listOf, placeOfImage, reading, textAt } from './payload.ts'
import { type Head, MalformedPayload, type Reading, type ReceiverKind } from './receiver.ts'

function read(payload: unknown, head: Head): Reading {
  if (head.header('ce-specversion') !== undefined) {
    return reading([placeOfImage(textAt(payload, 'image') ?? head.header('ce-subject'))])
  }
  const events = Array.isArray(payload) ? listOf(payload, 'the batch') : [payload]
  return reading(events.map(placeOfEvent))
}

function placeOfEvent(event: unknown): Place | undefined {
  if (textAt(event, 'specversion') === undefined) throw new MalformedPayload('there is an event without a specversion')
  return placeOfImage(textAt(at(event, 'data'), 'image') ?? textAt(event, 'subject'))
}

export const cloudEvents: ReceiverKind = {
  make: (secret) => ({ ...tokenReceiver(secret, { parameter: 'access_token' }, read), handshake }),
}

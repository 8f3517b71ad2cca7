/**
 * Azure: webhooks of a container registry (learn.microsoft.com/azure/container-registry/container-registry-webhook-reference),
 * and its events by Event Grid (learn.microsoft.com/azure/event-grid/event-schema-container-registry) with the handshakes
 * that Event Grid begins with (learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema and
 * end-point-validation-cloud-events-schema).
 */

import { tokenReceiver } from '../tokens.ts'
import { pushedPlace } from './distribution.ts'
import { handshake } from './handshake.ts'
import { at, listOf, reading, textAt } from './payload.ts'
import { type Head, MalformedPayload, type Reading, type ReceiverKind } from './receiver.ts'

const validation = 'Microsoft.EventGrid.SubscriptionValidationEvent'
const pushed = 'Microsoft.ContainerRegistry.ImagePushed'

function read(payload: unknown, head: Head): Reading {
  // A registry's own webhook: one event, in distribution's form; a test of it is a `ping`.
  if (textAt(payload, 'action') !== undefined) return reading([pushedPlace(payload, head)])
  const events = Array.isArray(payload) ? listOf(payload, 'the payload') : [payload]
  const typeOf = (event: unknown) => textAt(event, 'eventType') ?? textAt(event, 'type')
  if (events.some((event) => typeOf(event) === undefined))
    throw new MalformedPayload('there is an event without a type')
  const code = events.map((event) =>
    typeOf(event) === validation ? textAt(event, 'data', 'validationCode') : undefined,
  )
  const validationResponse = code.find((each) => each !== undefined)
  if (validationResponse !== undefined) return { places: [], ignored: 0, answer: { validationResponse } }
  return reading(events.map((event) => (typeOf(event) === pushed ? pushedPlace(at(event, 'data'), head) : undefined)))
}

export const azure: ReceiverKind = {
  // Both can send headers of one's own; Event Grid can also carry a secret in its URL.
  make: (secret) => ({
    ...tokenReceiver(secret, { headers: ['x-cvmanager-token'], parameter: 'token' }, read),
    handshake,
  }),
}

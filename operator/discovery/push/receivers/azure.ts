/**
 * Azure: webhooks of a container registry (learn.microsoft.com/azure/container-registry/container-registry-webhook-reference),
 * and its events by Event Grid (learn.microsoft.com/azure/event-grid/event-schema-container-registry) with Event Grid's
 * handshakes (learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema and
 * end-point-validation-cloud-events-schema).
 */
import { sharedSecretReceiver } from '../shared-secrets.ts'
import { hintOfEvent } from './distribution.ts'
import { handshake } from './handshake.ts'
import { at, listOf, payloadOf, textAt } from './payload.ts'
import { type Head, MalformedPayload, type ParsedPayload, type ReceiverKind } from './receiver.ts'

const validation = 'Microsoft.EventGrid.SubscriptionValidationEvent'
const pushed = 'Microsoft.ContainerRegistry.ImagePushed'

function parse(payload: unknown, head: Head): ParsedPayload {
  // A registry's own webhook sends one event in the form of distribution; its test is a `ping`.
  if (textAt(payload, 'action') !== undefined) return payloadOf([hintOfEvent(payload, head)])
  const events = Array.isArray(payload) ? listOf(payload, 'the payload') : [payload]
  const typeOf = (event: unknown) => textAt(event, 'eventType') ?? textAt(event, 'type')
  if (events.some((event) => typeOf(event) === undefined))
    throw new MalformedPayload('there is an event without a type')
  const validationResponse = events
    .filter((event) => typeOf(event) === validation)
    .map((event) => textAt(event, 'data', 'validationCode'))
    .find((code) => code !== undefined)
  if (validationResponse !== undefined) return { hints: [], ignored: 0, answer: { validationResponse } }
  return payloadOf(events.map((event) => (typeOf(event) === pushed ? hintOfEvent(at(event, 'data'), head) : undefined)))
}

/** Both can send custom headers; Event Grid can also carry a secret in its URL. */
export const azure: ReceiverKind = (secret) => ({
  ...sharedSecretReceiver(secret, { headers: ['x-cvmanager-token'], parameter: 'token' }, parse),
  handshake,
})

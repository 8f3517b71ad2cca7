/** Harbor's "artifact pushed", in its own form and as a CloudEvent (goharbor.io/docs, "Configure Webhook Notifications"). */
import { hintOfImage, type PushHint } from '../hint.ts'
import { sharedSecretReceiver } from '../shared-secrets.ts'
import { at, listOf, payloadOf, textAt, underHost } from './payload.ts'
import { type Head, MalformedPayload, type ReceiverKind } from './receiver.ts'

const pushTypes = new Set(['PUSH_ARTIFACT', 'harbor.artifact.pushed'])

function hintOfResource(resource: unknown, head: Head): PushHint | undefined {
  const hint = hintOfImage(underHost(head, textAt(resource, 'resource_url') ?? ''))
  // A push by digest moves no tag.
  return hint?.tag === undefined ? undefined : hint
}

export const harbor: ReceiverKind = (secret) =>
  // Harbor sends the content of its field "Auth Header" unchanged.
  sharedSecretReceiver(secret, {}, (payload, head) => {
    const type = textAt(payload, 'type')
    if (type === undefined) throw new MalformedPayload('there is no type')
    const data = at(payload, 'event_data') ?? at(payload, 'data')
    if (!pushTypes.has(type)) return { hints: [], ignored: 1 }
    return payloadOf(listOf(at(data, 'resources'), 'resources').map((resource) => hintOfResource(resource, head)))
  })

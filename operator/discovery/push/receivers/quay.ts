/** Quay's "push to repository" notification (docs.quay.io/guides/notifications.html). It is not signed: the URL carries the secret. */
import { hintOf } from '../hint.ts'
import { sharedSecretReceiver } from '../shared-secrets.ts'
import { at, listOf, payloadOf, textAt, underHost } from './payload.ts'
import { MalformedPayload, type ReceiverKind } from './receiver.ts'

export const quay: ReceiverKind = (secret) =>
  sharedSecretReceiver(secret, { parameter: 'token' }, (payload, head) => {
    const url = textAt(payload, 'docker_url')
    if (url === undefined) throw new MalformedPayload('there is no docker_url')
    const name = underHost(head, url)
    const updated = at(payload, 'updated_tags')
    // Builds and scans have the same form, without updated tags.
    if (updated === undefined) return { hints: [], ignored: 1 }
    // Older versions of Quay send an object of tags and images.
    const tags = listOf(Array.isArray(updated) ? updated : Object.keys(updated ?? {}), 'updated_tags')
    return payloadOf(tags.map((tag) => (typeof tag === 'string' ? hintOf(name, tag) : undefined)))
  })

/** Quay's "push to repository" notification (docs.quay.io/guides/notifications.html). It signs nothing: the URL carries the secret. */

import { tokenReceiver } from '../tokens.ts'
import { at, hostOf, listOf, placeOf, reading, textAt } from './payload.ts'
import { MalformedPayload, type ReceiverKind } from './receiver.ts'

export const quay: ReceiverKind = {
  make: (secret) =>
    tokenReceiver(secret, { parameter: 'token' }, (payload, head) => {
      const url = textAt(payload, 'docker_url')
      if (url === undefined) throw new MalformedPayload('there is no docker_url')
      const host = hostOf(head, undefined)
      const name = host === undefined ? url : url.replace(/^[^/]*/, host)
      const updated = at(payload, 'updated_tags')
      // Other events, builds and scans, come in the same form without tags that have moved.
      if (updated === undefined) return { places: [], ignored: 1 }
      // Older ones have an object there, of tags and images.
      const tags = Array.isArray(updated) ? updated : Object.keys(updated ?? {})
      return reading(
        listOf(tags, 'updated_tags').map((tag) => (typeof tag === 'string' ? placeOf(name, tag) : undefined)),
      )
    }),
}

/** Harbor's "artifact pushed", in its own form and as a CloudEvent (goharbor.io/docs, "Configure Webhook Notifications"). */
import type { Place } from '../../polling/places.ts'
import { tokenReceiver } from '../tokens.ts'
import { at, hostOf, listOf, placeOfImage, reading, textAt } from './payload.ts'
import { type Head, MalformedPayload, type ReceiverKind } from './receiver.ts'

const pushes = new Set(['PUSH_ARTIFACT', 'harbor.artifact.pushed'])

function pushedPlace(resource: unknown, head: Head): Place | undefined {
  const url = textAt(resource, 'resource_url')
  const host = hostOf(head, undefined)
  const image = host === undefined ? url : url?.replace(/^[^/]*/, host)
  const place = placeOfImage(image, textAt(resource, 'digest'))
  // By digest: no tag has moved.
  return place?.tag === undefined ? undefined : place
}

export const harbor: ReceiverKind = {
  make: (secret) =>
    // Harbor sends what its field "Auth Header" says, as it stands there.
    tokenReceiver(secret, {}, (payload, head) => {
      const type = textAt(payload, 'type')
      if (type === undefined) throw new MalformedPayload('there is no type')
      const data = at(payload, 'event_data') ?? at(payload, 'data')
      if (!pushes.has(type)) return { places: [], ignored: 1 }
      return reading(listOf(at(data, 'resources'), 'resources').map((resource) => pushedPlace(resource, head)))
    }),
}

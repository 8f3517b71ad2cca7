/** Notifications of distribution's registry (distribution.github.io/distribution/about/notifications). */
import type { Place } from '../../polling/places.ts'
import { tokenReceiver } from '../tokens.ts'
import { at, hostOf, listOf, placeOf, reading, textAt } from './payload.ts'
import type { Head, ReceiverKind } from './receiver.ts'

/**
 * One event. Of a push without a tag, by digest, nobody's tag has moved: that is how the parts of a multi-architecture
 * image arrive.
 */
export function pushedPlace(event: unknown, head: Head): Place | undefined {
  const tag = textAt(event, 'target', 'tag')
  const path = textAt(event, 'target', 'repository')
  const host = hostOf(head, textAt(event, 'request', 'host'))
  if (textAt(event, 'action') !== 'push' || tag === undefined || path === undefined || host === undefined)
    return undefined
  return placeOf(`${host}/${path}`, tag, textAt(event, 'target', 'digest'))
}

export const distribution: ReceiverKind = {
  make: (secret) =>
    tokenReceiver(secret, {}, (payload, head) =>
      reading(listOf(at(payload, 'events'), 'events').map((event) => pushedPlace(event, head))),
    ),
}

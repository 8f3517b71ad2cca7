/** Notifications of the distribution registry (distribution.github.io/distribution/about/notifications). */
import { hintOf, type PushHint } from '../hint.ts'
import { sharedSecretReceiver } from '../shared-secrets.ts'
import { at, hostOf, listOf, payloadOf, textAt } from './payload.ts'
import type { Head, ReceiverKind } from './receiver.ts'

/** A push without a tag, by digest, moves no tag: the parts of a multi-architecture image arrive like that. */
export function hintOfEvent(event: unknown, head: Head): PushHint | undefined {
  const tag = textAt(event, 'target', 'tag')
  const path = textAt(event, 'target', 'repository')
  const host = hostOf(head, textAt(event, 'request', 'host'))
  if (textAt(event, 'action') !== 'push' || tag === undefined || path === undefined || host === undefined)
    return undefined
  return hintOf(`${host}/${path}`, tag)
}

export const distribution: ReceiverKind = (secret) =>
  sharedSecretReceiver(secret, {}, (payload, head) =>
    payloadOf(listOf(at(payload, 'events'), 'events').map((event) => hintOfEvent(event, head))),
  )

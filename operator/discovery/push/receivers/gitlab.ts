/**
 * GitLab: the notifications of its container registry, in distribution's form (docs.gitlab.com/administration/packages/
 * container_registry, "Configure container registry notifications"), and the pipeline events of a project's webhook
 * (docs.gitlab.com/user/project/integrations/webhook_events), for gitlab.com, whose registry notifies nobody.
 */
import type { Place } from '../../polling/places.ts'
import { tokenReceiver } from '../tokens.ts'
import { pushedPlace } from './distribution.ts'
import { at, hostOf, listOf, placeOf, reading, textAt } from './payload.ts'
import { type Head, MalformedPayload, type ReceiverKind } from './receiver.ts'

/** A pipeline that has ended well may have pushed any image of its project. */
function projectPlace(payload: unknown, head: Head): Place | undefined {
  if (textAt(payload, 'object_kind') !== 'pipeline') return undefined
  if (textAt(payload, 'object_attributes', 'status') !== 'success') return undefined
  const path = textAt(payload, 'project', 'path_with_namespace')
  const onGitlabCom = textAt(payload, 'project', 'web_url')?.startsWith('https://gitlab.com/')
  const host = hostOf(head, onGitlabCom ? 'registry.gitlab.com' : undefined)
  if (path === undefined || host === undefined) return undefined
  const place = placeOf(`${host}/${path.toLowerCase()}`)
  return place && { ...place, below: true }
}

export const gitlab: ReceiverKind = {
  make: (secret) =>
    tokenReceiver(secret, { headers: ['x-gitlab-token'] }, (payload, head) => {
      const events = at(payload, 'events')
      if (events !== undefined) return reading(listOf(events, 'events').map((event) => pushedPlace(event, head)))
      if (textAt(payload, 'object_kind') === undefined)
        throw new MalformedPayload('there are neither events nor an object_kind')
      return reading([projectPlace(payload, head)])
    }),
}

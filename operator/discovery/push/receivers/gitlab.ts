/**
 * GitLab: the notifications of its container registry, in the form of distribution (docs.gitlab.com/administration/packages/
 * container_registry, "Configure container registry notifications"), and the pipeline events of a project's webhook
 * (docs.gitlab.com/user/project/integrations/webhook_events), for gitlab.com, whose registry sends no notifications.
 */
import { hintOf, type PushHint } from '../hint.ts'
import { sharedSecretReceiver } from '../shared-secrets.ts'
import { hintOfEvent } from './distribution.ts'
import { at, hostOf, listOf, payloadOf, textAt } from './payload.ts'
import { type Head, MalformedPayload, type ReceiverKind } from './receiver.ts'

/** A pipeline that has succeeded may have pushed any image of its project. */
function hintOfPipeline(payload: unknown, head: Head): PushHint | undefined {
  if (textAt(payload, 'object_kind') !== 'pipeline') return undefined
  if (textAt(payload, 'object_attributes', 'status') !== 'success') return undefined
  const path = textAt(payload, 'project', 'path_with_namespace')
  const isOnGitlabCom = textAt(payload, 'project', 'web_url')?.startsWith('https://gitlab.com/')
  const host = hostOf(head, isOnGitlabCom ? 'registry.gitlab.com' : undefined)
  if (path === undefined || host === undefined) return undefined
  const hint = hintOf(`${host}/${path.toLowerCase()}`)
  return hint && { ...hint, below: true }
}

export const gitlab: ReceiverKind = (secret) =>
  sharedSecretReceiver(secret, { headers: ['x-gitlab-token'] }, (payload, head) => {
    const events = at(payload, 'events')
    if (events !== undefined) return payloadOf(listOf(events, 'events').map((event) => hintOfEvent(event, head)))
    if (textAt(payload, 'object_kind') === undefined)
      throw new MalformedPayload('there are neither events nor an object_kind')
    return payloadOf([hintOfPipeline(payload, head)])
  })

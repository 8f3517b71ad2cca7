/** Docker Hub (docs.docker.com/docker-hub/repos/manage/webhooks). It neither signs nor sends custom headers: the URL carries the secret. */
import { hintOf } from '../hint.ts'
import { sharedSecretReceiver } from '../shared-secrets.ts'
import { payloadOf, textAt } from './payload.ts'
import { MalformedPayload, type ReceiverKind } from './receiver.ts'

export const dockerHub: ReceiverKind = (secret) =>
  sharedSecretReceiver(secret, { parameter: 'token' }, (payload) => {
    const path = textAt(payload, 'repository', 'repo_name')
    if (path === undefined) throw new MalformedPayload('there is no repository.repo_name')
    const tag = textAt(payload, 'push_data', 'tag')
    // With the host, a first component with a dot in it cannot become another registry.
    return payloadOf([tag === undefined ? undefined : hintOf(`docker.io/${path}`, tag)])
  })

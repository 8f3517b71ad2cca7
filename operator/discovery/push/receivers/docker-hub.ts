/** Docker Hub (docs.docker.com/docker-hub/repos/manage/webhooks). It signs nothing and sends no header of ours: the URL carries the secret. */

import { tokenReceiver } from '../tokens.ts'
import { placeOf, reading, textAt } from './payload.ts'
import { MalformedPayload, type ReceiverKind } from './receiver.ts'

export const dockerHub: ReceiverKind = {
  make: (secret) =>
    tokenReceiver(secret, { parameter: 'token' }, (payload) => {
      const path = textAt(payload, 'repository', 'repo_name')
      if (path === undefined) throw new MalformedPayload('there is no repository.repo_name')
      const tag = textAt(payload, 'push_data', 'tag')
      // A name with a dot in front must not become another registry's host.
      return reading([tag === undefined ? undefined : placeOf(`docker.io/${path}`, tag)])
    }),
}

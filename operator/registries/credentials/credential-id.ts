/** Tells credentials apart without showing them: a hash under a key that lives and dies with the process. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Credentials } from '../registry.ts'

const key = randomBytes(32)
const remembered = new WeakMap<Credentials, string>()

/** Equal for equal credentials, in this process only. Not a secret, and still of no use in a log. */
export function credentialId(credentials: Credentials): string {
  if (credentials.kind === 'anonymous') return 'anonymous'
  const known = remembered.get(credentials)
  if (known !== undefined) return known
  const id = createHmac('sha256', key)
    .update(JSON.stringify(partsOf(credentials)))
    .digest('base64url')
  remembered.set(credentials, id)
  return id
}

function partsOf(credentials: Exclude<Credentials, { readonly kind: 'anonymous' }>): readonly string[] {
  switch (credentials.kind) {
    case 'basic':
      return ['basic', credentials.username, credentials.password]
    case 'identity-token':
      return ['token', credentials.token]
    case 'service-account':
      // Whoever it is, and not the token of the moment.
      return ['service-account', credentials.namespace, credentials.name]
    default:
      return credentials satisfies never
  }
}

/** Tells credentials apart without showing them: a hash under a key that lives and dies with the process. */
import { createHmac, randomBytes } from 'node:crypto'
import { anonymousId } from '../transport/request.ts'
import type { CredentialSource } from './credential-source.ts'

const key = randomBytes(32)
const known = new WeakMap<CredentialSource, string>()

/**
 * Equal for equal credentials, and for credentials that were issued to the same cloud identity, in this process only. The
 * id is not a secret, and of no use in a log.
 */
export function credentialId(credentials: CredentialSource): string {
  if (credentials.kind === 'anonymous') return anonymousId
  const before = known.get(credentials)
  if (before !== undefined) return before
  const id = createHmac('sha256', key)
    .update(JSON.stringify(partsOf(credentials)))
    .digest('base64url')
  known.set(credentials, id)
  return id
}

/** For credentials that `source` has issued: whatever is counted by credential counts for both. */
export function issuedBy<T extends CredentialSource>(source: CredentialSource, credentials: T): T {
  known.set(credentials, credentialId(source))
  return credentials
}

function partsOf(credentials: Exclude<CredentialSource, { readonly kind: 'anonymous' }>): readonly string[] {
  if (credentials.kind === 'issued') return ['issued', credentials.name]
  if (credentials.kind === 'several') return ['several', ...credentials.candidates.map(credentialId)]
  if (credentials.identity !== undefined) return ['identity', credentials.identity.name]
  switch (credentials.kind) {
    case 'basic':
      return ['basic', credentials.username, credentials.password]
    case 'identity-token':
      return ['token', credentials.token]
    case 'aws':
      return ['aws', credentials.accessKeyId, credentials.secretAccessKey]
    default:
      return credentials satisfies never
  }
}

/** Tells credentials apart without showing them: a hash under a key that lives and dies with the process. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Credentials } from './registry.ts'

const key = randomBytes(32)
const remembered = new WeakMap<Credentials, string>()

/** Equal for equal credentials, in this process only. Not a secret, and still of no use in a log. */
export function credentialId(credentials: Credentials): string {
  if (credentials.kind === 'anonymous') return 'anonymous'
  const known = remembered.get(credentials)
  if (known !== undefined) return known
  const parts =
    credentials.kind === 'basic' ? ['basic', credentials.username, credentials.password] : ['token', credentials.token]
  const id = createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url')
  remembered.set(credentials, id)
  return id
}

/** Keeps secrets out of the log: by the names of fields at any depth, and by patterns in the text. */

const hidden = '[redacted]'

// Ignores case, `-` and `_`: X-Registry-Auth, identitytoken, clientSecret, … Keeps `tokens: 5` and `pullSecret: 'shop/x'`.
const secretName =
  /(password|passwd|token|authorization|cookie|clientsecret|privatekey|apikey|registryauth)$|^(auth|secret)$/

const maxDepth = 8

/** A copy in which fields with secret names have the value `[redacted]`. */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return copy(fields, 0) as Record<string, unknown>
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  // pino's serializer writes only the message and stack of an error, not its request or response.
  if (value instanceof Error || value instanceof Date) return value
  if (depth === maxDepth) return '[too deep]'
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, isSecret(name, field) ? hidden : copy(field, depth + 1)]),
  )
}

function isSecret(name: string, field: unknown): boolean {
  if (field === undefined || field === null || typeof field === 'boolean') return false
  return secretName.test(name.toLowerCase().replaceAll(/[-_]/g, ''))
}

const secretField =
  '([a-z_-]*(?:password|passwd|token|authorization|cookie|client_?secret|private_?key|api_?key|auth)|secret)'
// A field of the line (pino passes no formatter the bindings of a child), and a field of JSON within a message.
const field = new RegExp(`"${secretField}":"(?:[^"\\\\]|\\\\.)*"`, 'gi')
const quotedField = new RegExp(`\\\\"${secretField}\\\\"\\s*:\\s*\\\\"[^"]*"`, 'gi')

/** Removes credentials that a message contains: headers, URLs with a password, JSON Web Tokens. */
export function redactText(line: string): string {
  return line
    .replaceAll(field, `"$1":"${hidden}"`)
    .replaceAll(quotedField, `\\"$1\\":\\"${hidden}\\"`)
    .replaceAll(/\b(Bearer|Basic)\s+(?!realm=)[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${hidden}`)
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/"\\@]+@/gi, `$1${hidden}@`)
    .replaceAll(/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*)?/g, hidden)
    .replaceAll(/([?&](?:[a-z_-]*token|password|sig|signature|secret|x-amz-[a-z-]+)=)[^&\s"\\]+/gi, `$1${hidden}`)
}

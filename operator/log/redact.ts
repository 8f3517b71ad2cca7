/** Keeps secrets out of the log: by the name of a field at any depth, and by the look of a text anywhere. */

const hidden = '[redacted]'

// Compared without case, `-` and `_`: X-Registry-Auth, identitytoken, clientSecret, … `tokens: 5` and `pullSecret: 'shop/x'` stay.
const secretName =
  /(password|passwd|token|authorization|cookie|clientsecret|privatekey|apikey|registryauth)$|^(auth|secret)$/

const deepest = 8

/** A copy whose fields with secret names say `[redacted]`. */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return copy(fields, 0) as Record<string, unknown>
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  // pino's serializer writes an error's message and stack alone, not the request or response that hangs on it.
  if (value instanceof Error || value instanceof Date) return value
  if (depth === deepest) return '[too deep]'
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
// A field in the line itself (pino lets no formatter see a child's bindings), and one in JSON within a message.
const field = new RegExp(`"${secretField}":"(?:[^"\\\\]|\\\\.)*"`, 'gi')
const quotedField = new RegExp(`\\\\"${secretField}\\\\"\\s*:\\s*\\\\"[^"]*"`, 'gi')

/** A finished line without credentials that came in by a message: headers, URLs with a password, JSON Web Tokens. */
export function redactText(line: string): string {
  return line
    .replaceAll(field, `"$1":"${hidden}"`)
    .replaceAll(quotedField, `\\"$1\\":\\"${hidden}\\"`)
    .replaceAll(/\b(Bearer|Basic)\s+(?!realm=)[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${hidden}`)
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/"\\@]+@/gi, `$1${hidden}@`)
    .replaceAll(/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(\.[A-Za-z0-9_-]*)?/g, hidden)
    .replaceAll(/([?&](?:[a-z_-]*token|password|sig|signature|secret|x-amz-[a-z-]+)=)[^&\s"\\]+/gi, `$1${hidden}`)
}

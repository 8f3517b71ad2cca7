/** The API server's limit, for names that are DNS subdomains (RFC 1123). */
const maxNameLength = 253

/** A valid name that begins with `name`, as far as there is room, and has this ending (B43). */
export function nameEndingIn(name: string, ending: string): string {
  return name.slice(0, maxNameLength - ending.length).replace(/[^a-z0-9]+$/, '') + ending
}

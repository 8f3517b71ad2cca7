/** The API server's limit, for names that are DNS subdomains (RFC 1123). */
const maxNameLength = 253

/** A valid name that begins with `name`, as far as there is room, and has this ending (B43). */
export function nameEndingIn(name: string, ending: string): string {
  return name.slice(0, maxNameLength - ending.length).replace(/[^a-z0-9]+$/, '') + ending
}

/** What Kubernetes allows as names, in words. */
export const namespaceNames = 'lower-case letters, digits and -, at most 63'
export const objectNames = 'lower-case letters, digits, - and ., at most 253'

export const isNamespaceName = (text: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)

export const isObjectName = (text: string): boolean =>
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)

/**
 * Image references by the grammar of github.com/distribution/reference, which registries, container runtimes and kubelets
 * use. A reference is never split at "the first colon": hosts have ports, and digests have colons (B09).
 */
import { NeedsChangeError } from '../errors.ts'
import type { Digest } from './digest.ts'

/** A repository as a registry serves it, e.g. `{ host: 'registry.example.com:5000', path: 'shop/web' }`. */
export interface Repository {
  readonly host: string
  readonly path: string
}

export interface Reference {
  readonly repository: Repository
  /** The repository as it is written: `nginx` stays `nginx` in a workload's image. */
  readonly name: string
  readonly tag?: string | undefined
  readonly digest?: Digest | undefined
}

const dockerHub = 'docker.io'
const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const ipv6 = '\\[[a-fA-F0-9:]+\\]'
const hostPattern = new RegExp(`^(?:${domainLabel}(?:\\.${domainLabel})*|${ipv6})(?::[0-9]+)?$`)
const pathPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/
const maxNameLength = 255
/** Longer texts are refused before any pattern is tried. */
const maxReferenceLength = 1024

/** Whether the text is a valid tag. */
export const isTag = (text: string): boolean => tagPattern.test(text)

/** @throws NeedsChangeError `ImageReferenceInvalid`, which names the text and the fault */
export function parseReference(text: string): Reference {
  if (text.length === 0) refuse(text, 'it is empty')
  if (text.length > maxReferenceLength) refuse(text, `it has more than ${maxReferenceLength} characters`)

  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !digestPattern.test(digest)) refuse(text, `"${digest}" is not a digest`)

  const named = at < 0 ? text : text.slice(0, at)
  // A colon after the last slash begins a tag; one before it begins a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const tag = colon < 0 ? undefined : named.slice(colon + 1)
  if (tag !== undefined && !isTag(tag)) refuse(text, `"${tag}" is not a tag`)

  const name = colon < 0 ? named : named.slice(0, colon)
  const repository = splitName(name)
  if (!hostPattern.test(repository.host)) refuse(text, `"${repository.host}" is not a host`)
  if (!pathPattern.test(repository.path)) refuse(text, `"${repository.path}" is not a repository path in lower case`)
  if (repository.host.length + 1 + repository.path.length > maxNameLength) {
    refuse(text, `its name has more than ${maxNameLength} characters`)
  }
  return { repository, name, tag, digest: digest as Digest | undefined }
}

/** Of the module, not of each call: a reference is parsed for every container of every poll and list. */
function refuse(text: string, fault: string): never {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
  throw new NeedsChangeError(
    'ImageReferenceInvalid',
    `"${shown}" is not an image reference: ${fault}. Write HOST[:PORT]/PATH[:TAG][@DIGEST], for example registry.example.com:5000/shop/web:1.2.`,
  )
}

/** The first component is a host if it could not be a path: it has a dot, a port or capitals, or is `localhost`. */
function splitName(name: string): Repository {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isHost = first === 'localhost' || /[.:[\]A-Z]/.test(first)
  if (!isHost) return { host: dockerHub, path: slash < 0 ? `library/${name}` : name }
  const rest = name.slice(slash + 1)
  if (first !== 'index.docker.io' && first !== dockerHub) return { host: first, path: rest }
  return { host: dockerHub, path: rest.includes('/') ? rest : `library/${rest}` }
}

/** The canonical spelling of a repository: `docker.io/library/nginx`. */
export const repositoryName = ({ host, path }: Repository): string => `${host}/${path}`

/** The canonical spelling of a reference, with its tag and digest. */
export function canonical({ repository, tag, digest }: Reference): string {
  return `${repositoryName(repository)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** Whether two spellings name one repository, as `nginx` and `docker.io/library/nginx` do. */
export function sameRepository(one: Repository, other: Repository): boolean {
  return one.path === other.path && one.host === other.host
}

/**
 * The image for a workload: the repository as the user spells it, the version's name if it is a tag, and always the digest.
 * A version that only has a digest gives `repo@sha256:…`, never `repo:sha256:…` (B07).
 */
export function composeImage(imageRepo: string, version: { readonly name: string; readonly digest: Digest }): string {
  const { name } = parseReference(imageRepo)
  return isTag(version.name) ? `${name}:${version.name}@${version.digest}` : `${name}@${version.digest}`
}

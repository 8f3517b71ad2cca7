/** Selects the credentials for a repository by the kubelet's rules, so that both use the same ones. */
import type { Repository } from '../../images/reference.ts'
import { repositoryName } from '../../images/reference.ts'
import { anonymous, type Credentials } from '../registry.ts'
import type { DockerConfig } from './docker-config.ts'

/** The longest matching pattern wins; among equals, the first. Anonymous if none matches. */
export function credentialsFor(repository: Repository, configs: readonly DockerConfig[]): Credentials {
  let best: { readonly pattern: string; readonly credentials: Credentials } | undefined
  for (const login of configs.flat()) {
    if (!matches(login.pattern, repository)) continue
    if (best === undefined || isMoreSpecific(login.pattern, best.pattern)) best = login
  }
  return best?.credentials ?? anonymous
}

/** The names of Docker Hub in config files. */
const dockerHub = /^(?:(?:www\.)?index\.docker\.io|registry-1\.docker\.io|docker\.io)(?=\/|$)/

function matches(written: string, repository: Repository): boolean {
  const pattern = written.replace(dockerHub, 'docker.io')
  const [patternHost = '', ...patternPath] = pattern.split('/')
  const [host = '', ...path] = repositoryName(repository).split('/')
  return (
    matchesHost(patternHost.toLowerCase(), host.toLowerCase()) && patternPath.every((part, at) => part === path[at])
  )
}

/** Label by label: a star matches within one label only. The port must be equal. */
function matchesHost(pattern: string, host: string): boolean {
  if (pattern === host) return true
  if (!pattern.includes('*')) return false
  const [patternName = '', patternPort = ''] = pattern.split(':')
  const [name = '', port = ''] = host.split(':')
  const patternLabels = patternName.split('.')
  const labels = name.split('.')
  if (patternPort !== port || patternLabels.length !== labels.length) return false
  return patternLabels.every((label, at) => matchesLabel(label, labels[at] ?? ''))
}

/** Searches each piece after the one before, since a regular expression made from a tenant's pattern could be slow. */
function matchesLabel(pattern: string, label: string): boolean {
  const [first = '', ...pieces] = pattern.split('*')
  const last = pieces.pop()
  if (last === undefined) return pattern === label
  if (!label.startsWith(first)) return false
  let from = first.length
  for (const piece of pieces) {
    const found = label.indexOf(piece, from)
    if (found < 0) return false
    from = found + piece.length
  }
  return label.length - last.length >= from && label.endsWith(last)
}

/** A host without a star comes first, then the longer one. */
function isMoreSpecific(one: string, other: string): boolean {
  const starred = one.includes('*')
  return starred === other.includes('*') ? one.length > other.length : !starred
}

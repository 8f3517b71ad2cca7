/**
 * Selects the credentials for a repository by the kubelet's rules (kubernetes/pkg/credentialprovider/keyring.go), so that both
 * use the same ones.
 */
import type { Repository } from '../../images/reference.ts'
import { anonymous, type Credentials } from '../registry.ts'
import type { DockerConfig, Login } from './docker-config.ts'

/**
 * Every login that fits, in the order in which the kubelet tries them: by pattern, in reverse, so that longer paths come
 * before shorter ones and hosts before stars; of equal patterns in the order of the configs.
 */
export function loginsFor(repository: Repository, configs: readonly DockerConfig[]): readonly Login[] {
  const fitting = configs.flat().filter(({ pattern }) => matches(pattern, repository))
  return fitting.sort((one, other) => compare(canonical(other.pattern), canonical(one.pattern)))
}

/**
 * The credentials that come first; anonymous if none fits.
 * @throws NeedsChangeError `PullSecretInvalid` if those are not readable
 */
export function credentialsFor(repository: Repository, configs: readonly DockerConfig[]): Credentials {
  const [login] = loginsFor(repository, configs)
  if (login?.credentials instanceof Error) throw login.credentials
  return login?.credentials ?? anonymous
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}

/** The names of Docker Hub in config files. */
const dockerHub = /^(?:(?:www\.)?index\.docker\.io|registry-1\.docker\.io|docker\.io)(?=\/|$)/

const canonical = (pattern: string): string => pattern.replace(dockerHub, 'docker.io')

/** The path of a pattern is the beginning of the repository's, not of its parts only: the kubelet compares text. */
function matches(written: string, repository: Repository): boolean {
  const [patternHost = '', ...patternPath] = canonical(written).split('/')
  const { host, path } = repository
  return matchesHost(patternHost.toLowerCase(), host.toLowerCase()) && path.startsWith(patternPath.join('/'))
}

/** Label by label, so that a star matches within one label only. The port must be equal. */
function matchesHost(pattern: string, host: string): boolean {
  if (pattern === host) return true
  if (!/[*?[]/.test(pattern)) return false
  const [patternName = '', patternPort = ''] = pattern.split(':')
  const [name = '', port = ''] = host.split(':')
  const patternLabels = patternName.split('.')
  const labels = name.split('.')
  if (patternPort !== port || patternLabels.length !== labels.length) return false
  return patternLabels.every((label, at) => matchesLabel(label, labels[at] ?? ''))
}

/** What stands for one character in a pattern of Go's path.Match: `?`, `[a-z]`, `[^0-9]`, or itself. */
const piece = /\[\^?(?:[^\]-](?:-[^\]-])?)+\]|[^[]/gs

/**
 * Piece by piece, keeping all places that a match may have reached: a regular expression made from a tenant's pattern could
 * be slow.
 */
function matchesLabel(pattern: string, label: string): boolean {
  const pieces = pattern.match(piece) ?? []
  if (pieces.join('') !== pattern) return false
  let reached = new Set([0])
  for (const one of pieces) {
    if (one === '*') {
      const from = Math.min(...reached)
      reached = new Set(Array.from({ length: label.length - from + 1 }, (_, at) => from + at))
    } else {
      const next = [...reached].filter((at) => at < label.length && isOneOf(one, label.charAt(at)))
      if (next.length === 0) return false
      reached = new Set(next.map((at) => at + 1))
    }
  }
  return reached.has(label.length)
}

function isOneOf(one: string, character: string): boolean {
  if (one.length === 1) return one === '?' || one === character
  const isNegated = one.startsWith('[^')
  const ranges = one.slice(isNegated ? 2 : 1, -1).matchAll(/(.)(?:-(.))?/gs)
  const isIn = [...ranges].some(([, first = '', last = first]) => first <= character && character <= last)
  return isIn !== isNegated
}

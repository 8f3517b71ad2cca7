/**
 * Judges why a kubelet could not pull an image, by the words of containerd, CRI-O (containers/image) and Docker. What is
 * not known to be final may heal.
 */

/** Nothing that the kubelet tries again can change it. */
const final = [
  // The error codes of the distribution specification, and a 404 in the words of each runtime.
  /manifest[ _]unknown|name[ _]unknown|\b(?:repository|repository name|image|manifest for)\s+not (?:found|known)/i,
  /failed to (?:pull and unpack image|resolve (?:reference|image))[\s:]*not found/i,
  // Not "permission denied": that is about the node's own files.
  /\bunauthorized\b|insufficient_scope|authentication required|no basic auth credentials|(?<!permission\s+)\bdenied\b/i,
  /no match for platform|no matching manifest|no image found in|no child with platform|does not match the \w+ platform/i,
]

/** The registry, the network or the node fails for a time. This wins over `final`: a token service may be down. */
const passing = [
  /toomanyrequests|too many requests|rate.?limit|pull.?qps|\b429\b/i,
  /\b(?:status|code|statuscode|HTTP)\b[^.;]*?\b5\d\d\b|\b5\d\d (?:internal|bad|service|gateway|server)/i,
  /unavailable\b|bad gateway|internal server error|server misbehaving/i,
  /timed?[ -]?out|deadline ?exceeded|request canceled|context canceled/i,
  /no such host|name resolution|could not resolve|name or service not known|\bdial tcp\b|\bEOF\b|broken pipe/i,
  /connection (?:refused|reset|closed|aborted)|no route to host|(?:network|host) is unreachable/i,
  /\bTLS\b|x509|certificate|no space left/i,
]

export type PullFailure = 'final' | 'passing' | 'unknown'

/**
 * @param image as the pod names it
 * @param message of the waiting container; a kubelet before 1.31 hides the cause while it backs off
 */
export function pullFailure(image: string, message: string): PullFailure {
  const words = withoutNames(image, message)
  if (passing.some((pattern) => pattern.test(words))) return 'passing'
  return final.some((pattern) => pattern.test(words)) ? 'final' : 'unknown'
}

/** The names of images and hosts may contain any word: a repository may be called `unauthorized`. */
function withoutNames(image: string, message: string): string {
  const names = new Set(image.split(/[/:@]/))
  return message
    .replace(/"[^"]*"|\breading manifest \S+ in\b/g, ' ')
    .replace(/\S*[/@]\S*/g, ' ')
    .replace(/[\w.-]+/g, (word) => (names.has(word) ? ' ' : word))
}

/** Redirects of reads: blobs are often in a storage service, and registry.k8s.io redirects its manifests. */
import { answerInvalid, type Subject } from '../failures.ts'
import type { Answer, Request, Transport } from '../transport/transport.ts'

const maxRedirects = 3
const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Follows redirects; to another origin, without the Authorization header.
 * @throws TransientError `RegistryAnswerInvalid` for a redirect that leads nowhere, away from TLS, or in circles
 */
export async function sendAndFollow(transport: Transport, request: Request, subject: Subject): Promise<Answer> {
  let current = request
  for (let hops = 0; ; hops++) {
    const answer = await transport.send(current)
    if (!redirects.has(answer.status)) return answer
    if (hops === maxRedirects) throw answerInvalid(subject, `more than ${maxRedirects} redirects`)
    current = redirected(current, request, answer.headers.location, subject)
  }
}

function redirected(current: Request, first: Request, location: string | undefined, subject: Subject): Request {
  const here = `${current.origin}${current.path}`
  const target = location !== undefined && URL.canParse(location, here) ? new URL(location, here) : undefined
  if (target === undefined) throw answerInvalid(subject, 'a redirect without a valid Location')
  const secure = target.protocol === 'https:'
  if (!secure && (target.protocol !== 'http:' || current.origin.startsWith('https:'))) {
    throw answerInvalid(subject, `a redirect from ${new URL(here).protocol} to ${target.protocol}`)
  }
  if (target.username !== '' || target.password !== '') throw answerInvalid(subject, 'a redirect that carries a user')

  const { authorization, ...others } = current.headers
  const sameOrigin = target.origin === first.origin
  const keep = sameOrigin && authorization !== undefined
  return {
    ...current,
    origin: target.origin,
    path: `${target.pathname}${target.search}`,
    headers: keep ? { ...others, authorization } : others,
    destination: target.hostname === new URL(first.origin).hostname ? first.destination : 'answered',
  }
}

/** Who reads: Kubernetes says who a caller is and what it may list, unless a setting lets anyone read. */
import type { AccessReviews } from '../kubernetes/access-reviews.ts'
import { Problem } from './problem.ts'

export interface Reader {
  /** Whether it may list ContainerVersions. @param namespace undefined: in all namespaces */
  mayList(namespace: string | undefined): Promise<boolean>
}

/** @throws Problem 401; ApiError, TransientError */
export type ReaderOf = (authorization: string | undefined) => Promise<Reader>

export const anyone: ReaderOf = async () => ({ mayList: async () => true })

export const authenticated =
  (reviews: Pick<AccessReviews, 'userOf' | 'mayList'>): ReaderOf =>
  async (authorization = '') => {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (token === undefined) throw unauthorized('send a token of the cluster: Authorization: Bearer TOKEN', 'Bearer')
    const user = await reviews.userOf(token)
    if (!user) throw unauthorized('the API server does not accept this token', 'Bearer error="invalid_token"')
    return { mayList: (namespace) => reviews.mayList(user, namespace) }
  }

const unauthorized = (detail: string, challenge: string): Problem =>
  new Problem(401, detail, { headers: { 'www-authenticate': challenge } })

/** Each takes a question to the API server. */
export const maxNamespaces = 250

/**
 * Which of these namespaces a reader may see.
 * @param wanted the one that it has asked for; undefined: all that it may see
 * @throws Problem 403; ApiError, TransientError
 */
export async function visibleTo(
  reader: Reader,
  namespaces: () => ReadonlySet<string>,
  wanted: string | undefined,
): Promise<(namespace: string) => boolean> {
  if (wanted !== undefined) {
    if (await reader.mayList(wanted)) return (namespace) => namespace === wanted
    throw forbidden(`in namespace ${wanted}`)
  }
  if (await reader.mayList(undefined)) return () => true
  const all = namespaces()
  if (all.size > maxNamespaces) throw forbidden(`in all namespaces; name one: ?namespace=NAME`)
  const visible = new Set<string>()
  for (const namespace of all) if (await reader.mayList(namespace)) visible.add(namespace)
  if (visible.size === 0) throw forbidden('in any namespace that has some')
  return (namespace) => visible.has(namespace)
}

const forbidden = (where: string): Problem =>
  new Problem(403, `you may not list containerversions.cvmanager.io ${where}`, { parameter: 'namespace' })

/**
 * For tests: Google's services, recorded by hand from its public documentation. The token service
 * (cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token), generateAccessToken of the IAM Credentials API
 * (cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts), GKE's metadata server
 * (cloud.google.com/kubernetes-engine/docs/concepts/workload-identity) and Artifact Registry, whose token service takes an
 * access token as the password of `oauth2accesstoken`.
 */
import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { digestOf } from '../../images/digest.ts'
import { peer, transportTo } from '../testing/peer.ts'

export const host = 'europe-docker.pkg.dev'
export const web = { host, path: 'project/shop/web' }
export const digest = digestOf(Buffer.from('x'))

export interface Refusal {
  readonly status: number
  readonly body: string
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export async function googleCloud(t: Test) {
  const exchanges: Record<string, string>[] = []
  const lifetimes: string[] = []
  const refusals: { sts?: Refusal | undefined; iam?: Refusal | undefined } = {}
  const cluster: { metadata: Record<string, string> | undefined } = {
    metadata: {
      'project/project-id': 'my-project',
      'instance/attributes/cluster-location': 'europe-west1',
      'instance/attributes/cluster-name': 'prod',
    },
  }
  const refuse = (response: ServerResponse, { status, body }: Refusal) => response.writeHead(status).end(body)

  const sts = await peer(t, (request, response) =>
    text(request).then((body) => {
      const form = Object.fromEntries(new URLSearchParams(body))
      exchanges.push(form)
      if (refusals.sts !== undefined) return refuse(response, refusals.sts)
      const isAws = form.subject_token_type?.includes('aws4_request')
      const whose = form.subject_token ?? form.refresh_token ?? form.assertion?.slice(0, 3)
      const access_token = isAws ? 'federated-by-aws' : `federated-for-${whose}`
      return json(response, { access_token, token_type: 'Bearer', expires_in: 3599 })
    }),
  )
  const iam = await peer(t, (request, response) =>
    text(request).then((body) => {
      const [, email] =
        /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):generateAccessToken$/.exec(request.url ?? '') ?? []
      if (email === undefined || request.method !== 'POST') return response.writeHead(404).end()
      if (refusals.iam !== undefined) return refuse(response, refusals.iam)
      lifetimes.push((JSON.parse(body) as { lifetime: string }).lifetime)
      return json(response, { accessToken: `token-of-${email}`, expireTime: '2014-10-02T15:01:23Z' })
    }),
  )
  const metadata = await peer(t, (request, response) => {
    const value = cluster.metadata?.[request.url?.replace('/computeMetadata/v1/', '') ?? '']
    if (value === undefined || request.headers['metadata-flavor'] !== 'Google') return response.writeHead(404).end()
    return response.writeHead(200, { 'metadata-flavor': 'Google' }).end(value)
  })
  /** Access tokens and logins with the right to read. */
  const readers = new Set<string>()
  const seen: string[] = []
  const registry = await peer(t, (request, response) => {
    const { authorization } = request.headers
    if (request.url?.startsWith('/v2/token') === true) {
      if (authorization === undefined) return response.writeHead(401).end()
      const given = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()
      seen.push(given)
      if (!readers.has(given.replace(/^oauth2accesstoken:/, ''))) return response.writeHead(403).end()
      return response.end('{"token":"pull","expires_in":3600}')
    }
    if (authorization === 'Bearer pull') return response.writeHead(200, { 'docker-content-digest': digest }).end()
    const realm = `Bearer realm="http://${registry.host}/v2/token",service="${host}"`
    return response.writeHead(401, { 'www-authenticate': realm }).end()
  })
  const transport = transportTo(t, [host], { origins: { [host]: `http://${registry.host}` }, deadlineMs: 2_000 })
  const endpoints = {
    'google-metadata': `http://${metadata.host}`,
    'google-sts': `http://${sts.host}`,
    'google-iam': `http://${iam.host}`,
  }
  return { sts, iam, metadata, registry, transport, endpoints, exchanges, lifetimes, refusals, cluster, readers, seen }
}

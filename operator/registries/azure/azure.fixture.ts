/**
 * For tests: Azure's services, recorded by hand from its public documentation. Entra ID's token endpoint
 * (learn.microsoft.com, "Access token request with a federated credential"), the machine's metadata service
 * (learn.microsoft.com, "Use managed identities on a virtual machine to acquire an access token"), and of the registry itself
 * the exchange and its token service (azure.github.io/acr/AAD-OAuth.html, Token-BasicAuth.html).
 */
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { account } from '../../../e2e/harness/token-server.ts'
import { peer } from '../testing/peer.ts'
import {
  everything,
  reading,
  type Special,
  type StandInAnswer,
  type StandInRequest,
  type TokenService,
} from '../testing/stand-in.fixture.ts'

export const host = 'shop.azurecr.io'
export const tenantId = 'tenant'

const unauthorized: StandInAnswer = {
  status: 401,
  body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] },
}

export async function azureCloud(t: Test, { isPublic = false } = {}) {
  /** Whom the registry accepts: `CLIENT ASSERTION` for a workload, `managed` for the machine. */
  const writers = new Set<string>()
  const entra = await peer(t, async (request, response) => {
    const form = new URLSearchParams(await text(request))
    const federated = form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const known = request.url?.split('?')[0] === `/${tenantId}/oauth2/v2.0/token` && federated
    if (!known) return void response.writeHead(400).end('{"error":"invalid_request"}')
    const whose = `${form.get('client_id')} ${form.get('client_assertion')}`
    return void response.end(
      JSON.stringify({ token_type: 'Bearer', expires_in: 3599, access_token: entraToken(whose) }),
    )
  })
  const metadata = await peer(t, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://metadata')
    const known = url.pathname === '/metadata/identity/oauth2/token' && url.searchParams.has('resource')
    if (!known || request.headers.metadata !== 'true') return response.writeHead(400).end('{"error":"invalid_request"}')
    return response.end(
      JSON.stringify({ access_token: entraToken('managed'), expires_in: '3599', token_type: 'Bearer' }),
    )
  })

  async function exchange({ url, text }: StandInRequest): Promise<StandInAnswer | undefined> {
    if (url.pathname !== '/oauth2/exchange') return undefined
    const form = new URLSearchParams(await text())
    const whose = Buffer.from((form.get('access_token') ?? '').replace('entra-', ''), 'base64url').toString()
    const fits = form.get('grant_type') === 'access_token' && form.get('service') === host && writers.has(whose)
    return fits ? { status: 200, body: { refresh_token: 'refresh' } } : unauthorized
  }
  const admits: TokenService['admits'] = ({ login, form }) => {
    if (form.get('grant_type') === 'refresh_token')
      return form.get('refresh_token') === 'refresh' ? everything : undefined
    if (login === undefined) return isPublic ? reading : undefined
    return login === `${account.username}:${account.password}` ? everything : undefined
  }
  const special: Special = {
    tokens: {
      path: '/oauth2/token',
      service: host,
      admits,
      grant: (token) => ({ access_token: token }),
      refusal: unauthorized,
    },
    // "A manifest can only be deleted by digest" (learn.microsoft.com/rest/api/containerregistry, Manifests - Delete).
    answers: (question) => (question.method === 'DELETE' ? unsupported : exchange(question)),
  }
  return { entra, metadata, writers, special }
}

const unsupported: StandInAnswer = {
  status: 405,
  body: { errors: [{ code: 'UNSUPPORTED', message: 'The operation is unsupported.' }] },
}

const entraToken = (whose: string): string => `entra-${Buffer.from(whose).toString('base64url')}`

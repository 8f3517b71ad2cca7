/** For tests: the token services of well-known registries, each written from its public documentation. */
import { account } from '../../../../e2e/harness/token-server.ts'
import type { Credentials } from '../../registry.ts'
import { everything, reading, type StandInAnswer, type TokenService } from '../../testing/stand-in.fixture.ts'

/** A pull secret with all rights. */
export const login: Credentials = { kind: 'basic', ...account }

const isLogin = (given: string | undefined): boolean => given === `${account.username}:${account.password}`

const refused = (status: number, code: string, message: string): StandInAnswer => ({
  status,
  body: { errors: [{ code, message }] },
})

/** For public repositories: everybody may read. */
const openToAll: TokenService['admits'] = ({ login: given }) => {
  if (given === undefined) return reading
  return isLogin(given) ? everything : undefined
}
const closed: TokenService['admits'] = ({ login: given }) => (isLogin(given) ? everything : undefined)
/** Gives everybody a token. Without a login, it has no rights. */
const tokensForAll: TokenService['admits'] = ({ login: given }) =>
  given === undefined ? [] : isLogin(given) ? everything : undefined

export const admitting = { openToAll, closed, tokensForAll } as const

/** docs.docker.com/docker-hub/usage/pulls, "View pull rate and limit"; its fields as in distribution's token specification. */
export const dockerHubTokens: Omit<TokenService, 'admits'> = {
  path: '/token',
  service: 'registry.docker.io',
  grant: (token) => ({ token, access_token: token, expires_in: 300, issued_at: new Date().toISOString() }),
  refusal: { status: 401, body: { details: 'incorrect username or password' } },
}

/** docs.github.com, "Working with the Container registry": a personal access token is the password; the answer has only `token`. */
export const gitHubTokens: Omit<TokenService, 'admits'> = {
  path: '/token',
  service: 'ghcr.io',
  grant: (token) => ({ token }),
  refusal: refused(403, 'DENIED', 'denied'),
}

/** docs.projectquay.io, "Robot accounts", and endpoints/v2/v2auth.py of github.com/quay/quay. */
export const quayTokens: Omit<TokenService, 'admits'> = {
  path: '/v2/auth',
  service: 'quay.io',
  grant: (token) => ({ token }),
  refusal: { status: 401, body: { error: 'Invalid Username or Password' } },
}

/** docs.gitlab.com, "Authenticate with the container registry"; the realm is that of GitLab itself. */
export const gitLabTokens: Omit<TokenService, 'admits'> = {
  path: '/jwt/auth',
  service: 'container_registry',
  grant: (token) => ({ token }),
  refusal: refused(403, 'DENIED', 'access forbidden'),
}

/** goharbor.io/docs, "Create project robot accounts", and src/core/service/token of github.com/goharbor/harbor. */
export const harborTokens: Omit<TokenService, 'admits'> = {
  path: '/service/token',
  service: 'harbor-registry',
  grant: (token) => ({ token, access_token: '', expires_in: 1800, issued_at: new Date().toISOString() }),
  refusal: refused(401, 'UNAUTHORIZED', 'unauthorized: authentication required'),
}

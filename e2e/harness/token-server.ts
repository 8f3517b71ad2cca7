import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

export const TOKEN_SERVICE = 'e2e-registry'
export const TOKEN_ISSUER = 'e2e-token-server'
const KEY_ID = 'e2e'

/** The only account of the test bed's registries. */
export const account = { username: 'puller', password: 'harness-password' } as const

export const basicAuthorization = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

export interface TokenServerOptions {
  /** Default 300. The registry accepts a token for 60 s longer, in case clocks differ. */
  readonly expiresInSeconds?: number
  /** Whether clients without credentials get a token for pulling. Default: no. */
  readonly anonymousPull?: boolean
}

interface Access {
  readonly type: string
  readonly name: string
  readonly actions: readonly string[]
}

/** Issues bearer tokens as distribution specifies them (docs/content/spec/auth/token.md, jwt.md). */
export class TokenServer {
  /** Tests may change these while the server runs. */
  expiresInSeconds: number
  anonymousPull: boolean
  /** Set to `false` to refuse the account's password. */
  acceptsAccount = true
  readonly #key: KeyObject

  constructor(options: TokenServerOptions = {}) {
    this.expiresInSeconds = options.expiresInSeconds ?? 300
    this.anonymousPull = options.anonymousPull ?? false
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  }

  /** The JSON Web Key Set that the registry trusts. */
  keySet(): object {
    const { d: _private, ...publicKey } = this.#key.export({ format: 'jwk' })
    return { keys: [{ ...publicKey, kid: KEY_ID, use: 'sig', alg: 'ES256' }] }
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams
    const authorization = request.headers.authorization
    const known = authorization === basicAuthorization(account.username, account.password) && this.acceptsAccount
    if (authorization === undefined ? !this.anonymousPull : !known) {
      response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic realm="e2e"' })
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}')
      return
    }
    const allowed = known ? ['pull', 'push', 'delete', '*'] : ['pull']
    const access = query.getAll('scope').flatMap((scope) => granted(scope, allowed))
    const token = this.issue(access, known ? account.username : '')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({
        token,
        access_token: token,
        expires_in: this.expiresInSeconds,
        issued_at: new Date().toISOString(),
      }),
    )
  }

  issue(access: readonly Access[], subject: string): string {
    const now = Math.floor(Date.now() / 1_000)
    const header = { typ: 'JWT', alg: 'ES256', kid: KEY_ID }
    const claims = {
      iss: TOKEN_ISSUER,
      sub: subject,
      aud: TOKEN_SERVICE,
      exp: now + this.expiresInSeconds,
      nbf: now - 1,
      iat: now,
      jti: randomUUID(),
      access,
    }
    const signed = `${encoded(header)}.${encoded(claims)}`
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }
}

/** Parses a scope such as `repository:shop/web:pull,push`. The repository may contain colons, as in a port. */
function granted(scope: string, allowed: readonly string[]): Access[] {
  const [, type, name, actions] = /^([^:]+):(.+):([^:]*)$/.exec(scope) ?? []
  if (!type || !name || actions === undefined) return []
  return [{ type, name, actions: actions.split(',').filter((action) => allowed.includes(action)) }]
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

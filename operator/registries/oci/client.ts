/** One request to a registry of the OCI distribution API, with the authorization that it wants and safe redirects. */
import { gunzipSync } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import { messageOf } from '../../errors.ts'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { answerInvalid, type Subject, statusFailure, transportFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import { maxBodyBytes } from '../transport/exchange.ts'
import type { Answer, Purpose, Request, Transport } from '../transport/transport.ts'
import { Authorization, type Challenged } from './auth/authorization.ts'
import { sendAndFollow } from './redirects.ts'

/** Registries that hide what strangers may not see answer with these, and some of them without a challenge. */
const hiding = new Set([401, 403, 404])
const maxHosts = 1_000
const openMs = 3_600_000

export interface OciRequest {
  readonly subject: Subject
  readonly access: Access
  readonly purpose: Purpose
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
}

export class OciClient {
  readonly #transport: Transport
  readonly #authorization: Authorization
  /** Hosts that ask nobody for credentials. */
  readonly #open: LRUCache<string, true>

  constructor(transport: Transport, clock: Clock = monotonicClock) {
    this.#transport = transport
    this.#authorization = new Authorization(transport, clock)
    this.#open = new LRUCache({ max: maxHosts, ttl: openMs, ttlResolution: 0, perf: clock })
  }

  /** Sends once more if the registry turns out to want another authorization. Any status is an answer. */
  async send(request: OciRequest): Promise<Answer> {
    const { subject, access } = request
    try {
      const authorization = await this.#authorization.before(access, subject)
      const answer = await this.#sendAs(request, authorization)
      const challenged = await this.#challengeOf(answer, request, authorization)
      if (challenged === undefined) return decoded(answer, subject)
      const other = await this.#authorization.after(challenged, authorization, access, subject)
      return decoded(other === undefined ? answer : await this.#sendAs(request, other), subject)
    } catch (error) {
      throw transportFailure(subject, error)
    }
  }

  #sendAs({ subject, access, ...rest }: OciRequest, authorization: string | undefined): Promise<Answer> {
    const { host } = subject.repository
    const request: Request = {
      ...rest,
      host,
      origin: this.#transport.originOf(host),
      headers: authorization === undefined ? rest.headers : { ...rest.headers, authorization },
      destination: 'configured',
      credential: credentialId(access.credentials),
      urgent: access.urgent,
      signal: access.signal,
    }
    // Changes go to the registry itself only.
    const reads = rest.method === 'GET' || rest.method === 'HEAD'
    return reads ? sendAndFollow(this.#transport, request, subject) : this.#transport.send(request)
  }

  /** The challenge of the answer; or, if it has none and the way to send credentials is unknown, that of the base, once a host. */
  async #challengeOf(
    { status, headers }: Answer,
    { subject, access }: OciRequest,
    sent: string | undefined,
  ): Promise<Challenged | undefined> {
    const header = headers['www-authenticate']
    const isChallenge = status === 401 || (status === 403 && sent === undefined)
    if (isChallenge && header !== undefined) return { header: String(header) }
    const { host } = subject.repository
    const isHidden = hiding.has(status) && sent === undefined && access.credentials.kind !== 'anonymous'
    if (!isHidden || this.#open.has(host)) return undefined
    const base = { subject, access, purpose: 'token', method: 'GET', path: '/v2/', headers: {} } as const
    const answer = await this.#sendAs(base, undefined)
    const challenge = answer.headers['www-authenticate']
    if (answer.status === 401 && challenge !== undefined) return { header: String(challenge), isOfBase: true }
    // A registry that is down, or that throttles, has not said that it is open.
    if (answer.status >= 500 || answer.status === 429)
      throw statusFailure(subject, answer.status, access.credentials, answer.retryAfterMs)
    this.#open.set(host, true)
    return undefined
  }
}

/** Some proxies compress what nobody wants compressed. Digests are those of the content. */
function decoded(answer: Answer, subject: Subject): Answer {
  const { headers, body } = answer
  // Others say so and send it as it is (docker-archive/docker-registry#369).
  const isCompressed = body[0] === 0x1f && body[1] === 0x8b
  if (!isCompressed || !/^(?:x-)?gzip$/i.test(headers['content-encoding'] ?? '')) return answer
  try {
    return { ...answer, body: gunzipSync(body, { maxOutputLength: maxBodyBytes }) }
  } catch (error) {
    throw answerInvalid(subject, `compressed content that cannot be read (${messageOf(error)})`)
  }
}

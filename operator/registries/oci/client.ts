/** One request to a registry of the OCI distribution API, with the authorization that it wants and safe redirects. */
import type { Clock } from '../../time/clock.ts'
import { credentialId } from '../credentials/credential-id.ts'
import { type Subject, transportFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { Answer, Purpose, Request, Transport } from '../transport/transport.ts'
import { Authorization } from './auth/authorization.ts'
import { sendAndFollow } from './redirects.ts'

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

  constructor(transport: Transport, clock?: Clock) {
    this.#transport = transport
    this.#authorization = new Authorization(transport, clock)
  }

  /** Sends once more if the registry turns out to want another authorization. Any status is an answer. */
  async send({ subject, access, ...rest }: OciRequest): Promise<Answer> {
    const { repository } = subject
    const send = (authorization: string | undefined): Promise<Answer> => {
      const request: Request = {
        ...rest,
        host: repository.host,
        origin: this.#transport.originOf(repository.host),
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
    try {
      const authorization = await this.#authorization.before(access, subject)
      const answer = await send(authorization)
      if (answer.status !== 401) return answer
      const challenge = String(answer.headers['www-authenticate'] ?? '')
      const other = await this.#authorization.after(challenge, authorization, access, subject)
      return other === undefined ? answer : await send(other)
    } catch (error) {
      throw transportFailure(subject, error)
    }
  }
}

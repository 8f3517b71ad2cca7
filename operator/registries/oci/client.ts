/** One question to a registry of the OCI distribution API: authorized as it wants, redirected where that is safe. */
import type { Clock } from '../../time/clock.ts'
import { type Asked, transportFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { Answer, Purpose, Request, Transport } from '../transport/transport.ts'
import { Authorization } from './auth/authorization.ts'
import { sendAndFollow } from './redirects.ts'

export interface Question {
  readonly asked: Asked
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

  /**
   * With the authorization that the registry wants; once again where it turns out to want another. Any status is an
   * answer.
   */
  async ask({ asked, access, ...question }: Question): Promise<Answer> {
    const { repository } = asked
    const send = (authorization: string | undefined): Promise<Answer> => {
      const request: Request = {
        ...question,
        host: repository.host,
        origin: this.#transport.originOf(repository.host),
        headers: authorization === undefined ? question.headers : { ...question.headers, authorization },
        destination: 'configured',
        urgent: access.urgent,
        signal: access.signal,
      }
      // What changes something is said to the registry itself, and to nobody else.
      const reads = question.method === 'GET' || question.method === 'HEAD'
      return reads ? sendAndFollow(this.#transport, request, asked) : this.#transport.send(request)
    }
    try {
      const authorization = await this.#authorization.before(repository, access, asked)
      const answer = await send(authorization)
      if (answer.status !== 401) return answer
      const challenge = String(answer.headers['www-authenticate'] ?? '')
      const other = await this.#authorization.after(challenge, authorization, repository, access, asked)
      return other === undefined ? answer : await send(other)
    } catch (error) {
      throw transportFailure(asked, error)
    }
  }
}

/**
 * The managed identity of the machine, which Azure's metadata service gives tokens for to whoever asks from there
 * (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
 */
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import { askMetadata } from '../credentials/metadata.ts'
import { type Exchanged, identityUnavailable, usableToken } from '../credentials/token-exchange.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Transport } from '../transport/transport.ts'

const resource = 'https://containerregistry.azure.net'
const version = '2018-02-01'
/** A machine that is none of Azure's will not become one. */
const absentForMs = 600_000

export class ManagedIdentity {
  readonly name: string
  readonly remedy: string
  /** The token says it where it is not said here. */
  readonly tenantId: string | undefined
  readonly #transport: Transport
  readonly #metadata: string
  readonly #clientId: string | undefined
  readonly #clock: Clock
  #flight: Promise<Exchanged | undefined> | undefined
  #absentUntil = Number.NEGATIVE_INFINITY

  /** @param metadata `http://…`, without a path */
  constructor(
    transport: Transport,
    metadata: string,
    env: Readonly<Record<string, string | undefined>>,
    clock: Clock = monotonicClock,
  ) {
    this.#clock = clock
    this.#transport = transport
    this.#metadata = metadata
    this.#clientId = env.AZURE_CLIENT_ID || undefined
    this.tenantId = env.AZURE_TENANT_ID || undefined
    this.name = `The managed identity ${this.#clientId ?? 'of the machine'}`
    this.remedy =
      this.#clientId === undefined
        ? 'give it the role AcrPull, and where the machine has several name one in AZURE_CLIENT_ID'
        : 'assign it to the machine, and give it the role AcrPull'
  }

  /**
   * Undefined on a machine that is not Azure's.
   * @throws TransientError while the service cannot say
   */
  async token(): Promise<Exchanged | undefined> {
    if (this.#clock.now() < this.#absentUntil) return undefined
    this.#flight ??= this.#ask().finally(() => {
      this.#flight = undefined
    })
    return await this.#flight
  }

  async #ask(): Promise<Exchanged | undefined> {
    const query = new URLSearchParams({ 'api-version': version, resource })
    if (this.#clientId !== undefined) query.set('client_id', this.#clientId)
    const path = `/metadata/identity/oauth2/token?${query}`
    const answer = await askMetadata(this.#transport, this.#metadata, path, { metadata: 'true' })
    // Other clouds have something at that address too, which does not know this path.
    if (answer === undefined || answer.status === 403 || answer.status === 404) {
      this.#absentUntil = this.#clock.now() + absentForMs
      return undefined
    }
    const { host } = new URL(this.#metadata)
    const { status, body } = answer
    // 410 is an upgrade of the service, which takes a minute.
    if (status >= 500 || status === 429 || status === 410) throw identityUnavailable(host, `answered ${status}`)
    const { access_token, error } = parseObject(body) ?? {}
    const token = status === 200 ? usableToken(access_token) : undefined
    if (token !== undefined) return { token, lifetimeMs: 0 }
    return { refusal: `${host} answered ${status}${error === 'invalid_request' ? ' (no such identity)' : ''}` }
  }
}

/** The manager's own identity at Google outside of Google's cloud: what GOOGLE_APPLICATION_CREDENTIALS names. */
import { createSign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { messageOf } from '../../errors.ts'
import type { Repository } from '../../images/reference.ts'
import { type Clock, systemClock } from '../../time/clock.ts'
import type { CloudIdentity } from '../credentials/cloud-identity.ts'
import { type Granted, KeptToken } from '../credentials/kept-token.ts'
import { metadataAddress } from '../credentials/metadata.ts'
import { type Exchanged, identityUnavailable, usableToken } from '../credentials/token-exchange.ts'
import { parseObject } from '../oci/manifest.ts'
import type { Credentials } from '../registry.ts'
import { abortable } from '../transport/abortable.ts'
import { Paused, type Transport, Unreachable } from '../transport/transport.ts'
import { type ExternalAccount, type KeyOfAccount, parseGoogleFile, type TokenSource } from './google-file.ts'
import { asCredentials, asserted, cloudScope, federated, impersonated } from './google-tokens.ts'

const variable = 'GOOGLE_APPLICATION_CREDENTIALS'
const refusedForMs = 60_000
const assertionSeconds = 3600

type Read = { readonly text: string } | { readonly refusal: string }

export interface GoogleFileOptions {
  readonly file: string
  /** For how long a token is kept. */
  readonly clock?: Clock | undefined
}

export class GoogleFileIdentity implements CloudIdentity {
  readonly #transport: Transport
  readonly #file: string
  readonly #kept: KeptToken
  #story = ''

  constructor(transport: Transport, { file, clock }: GoogleFileOptions) {
    this.#transport = transport
    this.#file = file
    this.#kept = new KeptToken(clock)
  }

  credentials(_: Repository, signal: AbortSignal | undefined): Promise<Credentials | undefined> {
    return abortable(
      this.#kept.get(() => this.#grant()),
      signal,
    )
  }

  story(): string {
    return this.#story
  }

  denied(): string {
    return `It was asked with the credentials that ${variable} names: give their account the role Artifact Registry Reader.`
  }

  async #grant(): Promise<Granted> {
    const made = await this.#exchange()
    if ('token' in made) return { credentials: asCredentials(made.token), lifetimeMs: made.lifetimeMs }
    this.#story = `The file ${this.#file}, which ${variable} names, was of no use: ${made.refusal}.`
    return { credentials: undefined, lifetimeMs: refusedForMs }
  }

  /** The file is read each time: it may have been written anew. */
  async #exchange(): Promise<Exchanged> {
    const read = await readText(this.#file)
    if ('refusal' in read) return read
    const parsed = parseGoogleFile(read.text)
    if (typeof parsed === 'string') return { refusal: `it ${parsed}` }
    return parsed.type === 'service_account' ? await this.#withKey(parsed) : await this.#withToken(parsed)
  }

  async #withKey({ email, keyId, privateKey, tokenUrl }: KeyOfAccount): Promise<Exchanged> {
    const issued = Math.floor(systemClock.now() / 1000)
    const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) }
    const claims = { iss: email, scope: cloudScope, aud: tokenUrl.href, iat: issued, exp: issued + assertionSeconds }
    const content = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    let signature: string
    try {
      signature = createSign('RSA-SHA256').update(content).sign(privateKey, 'base64url')
    } catch {
      return { refusal: 'its private_key is no RSA key in PEM' }
    }
    return await asserted(this.#transport, tokenUrl, `${content}.${signature}`)
  }

  async #withToken({ source, impersonation, tokenUrl: url, ...rest }: ExternalAccount): Promise<Exchanged> {
    const subject = await this.#subjectToken(source)
    if ('refusal' in subject) return subject
    const own = await federated(this.#transport, { url, ...rest, subjectToken: subject.token })
    if (impersonation === undefined || 'refusal' in own) return own
    return await impersonated(this.#transport, impersonation.url, own.token, impersonation.seconds)
  }

  async #subjectToken(source: TokenSource): Promise<{ readonly token: string } | { readonly refusal: string }> {
    const where = 'file' in source ? source.file : source.url.host
    const read = 'file' in source ? await readText(source.file) : await this.#fetch(source.url, source.headers)
    if ('refusal' in read) return read
    const value = source.field === undefined ? read.text.trim() : parseObject(Buffer.from(read.text))?.[source.field]
    const token = usableToken(value)
    return token === undefined ? { refusal: `there is no token in what ${where} gave` } : { token }
  }

  async #fetch(url: URL, headers: Readonly<Record<string, string>>): Promise<Read> {
    try {
      const { status, body } = await this.#transport.send({
        host: url.host,
        purpose: 'token',
        method: 'GET',
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        headers,
        // On a machine of Azure's it is the metadata service; the file is the manager's own, and no object names it.
        destination: url.host === metadataAddress ? 'platform' : 'configured',
        urgent: true,
      })
      if (status >= 500 || status === 429) throw identityUnavailable(url.host, `answered ${status}`)
      return status === 200 ? { text: body.toString() } : { refusal: `${url.host} answered ${status}` }
    } catch (error) {
      if (error instanceof Unreachable || error instanceof Paused) throw identityUnavailable(url.host, error.message)
      throw error
    }
  }
}

async function readText(file: string): Promise<Read> {
  try {
    return { text: await readFile(file, 'utf8') }
  } catch (error) {
    return { refusal: messageOf(error) }
  }
}

/**
 * One kind of webhook: who may send it, and which hints its payload gives. To add one, add its name to
 * config/webhook-kinds.ts, its file, and a line to receivers.ts.
 */
import type { GoogleTokens } from '../google-tokens.ts'
import type { PushHint } from '../hint.ts'

/** A webhook request without its body. */
export interface Head {
  /** @param name in lower case */
  header(name: string): string | undefined
  readonly query: URLSearchParams
}

export interface ParsedPayload {
  readonly hints: readonly PushHint[]
  /** How many of its events are not pushes of a tag, or name nothing that can be followed. */
  readonly ignored: number
  /** The response that the sender's protocol asks for. */
  readonly answer?: Readonly<Record<string, string>> | undefined
}

export interface Receiver {
  /**
   * Whether the sender knows the secret. Reads the body only if the proof depends on it.
   * @throws TransientError if that cannot be decided now
   */
  authenticate(head: Head, body: () => Promise<Buffer>): boolean | Promise<boolean>
  /** @throws MalformedPayload */
  parse(payload: unknown, head: Head): ParsedPayload
  /**
   * For senders that ask by OPTIONS whether they may send: the response headers that allow it.
   * @returns undefined for a request that does not ask this
   * @throws MalformedPayload
   */
  handshake?(head: Head): Readonly<Record<string, string>> | undefined
}

export interface ReceiverDeps {
  readonly googleTokens: Pick<GoogleTokens, 'isValid'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * @param secret the content of its secret file
 * @throws UnusableSecret
 */
export type ReceiverKind = (secret: string, deps: ReceiverDeps) => Receiver

/** The payload is not what this kind of webhook sends; the message says why. */
export class MalformedPayload extends Error {
  override readonly name = 'MalformedPayload'
}

/** The content of a secret file cannot be used; the message says why, without the secret. */
export class UnusableSecret extends Error {
  override readonly name = 'UnusableSecret'
}

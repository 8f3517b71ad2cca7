/**
 * One kind of webhook: who may send it, and what its payload hints at. To add one, add its name to
 * config/webhook-kinds.ts, its file, and a line to receivers.ts.
 */
import type { Place } from '../../polling/places.ts'
import type { GoogleTokens } from '../google-tokens.ts'

/** What stands before the body. */
export interface Head {
  /** By lower-case name; undefined where there is none. */
  header(name: string): string | undefined
  readonly query: URLSearchParams
}

/** What a payload says. It is never more than a hint to look: nothing in it is believed. */
export interface Reading {
  readonly places: readonly Place[]
  /** Events in it that are no push of a tag, or name nothing that could be followed. */
  readonly ignored: number
  /** What the sender wants to read, where that is part of its protocol. */
  readonly answer?: Readonly<Record<string, string>> | undefined
}

export interface Receiver {
  /**
   * Whether the sender has shown that it knows the secret. The body is read only where the proof is about it.
   * @throws TransientError where that cannot be told at present
   */
  authenticate(head: Head, body: () => Promise<Buffer>): boolean | Promise<boolean>
  /** @throws MalformedPayload */
  read(payload: unknown, head: Head): Reading
  /**
   * Where senders ask by OPTIONS whether they may send: the headers that allow it, for those who have shown the secret.
   * @returns undefined where nothing was asked
   * @throws MalformedPayload
   */
  handshake?(head: Head): Readonly<Record<string, string>> | undefined
}

export interface ReceiverDeps {
  readonly googleTokens: Pick<GoogleTokens, 'isValid'>
  /** Milliseconds since the epoch: what tokens are good for is said in real time. */
  readonly now: () => number
}

export interface ReceiverKind {
  /**
   * @param secret the content of its secret file
   * @throws SecretUnusable
   */
  make(secret: string, deps: ReceiverDeps): Receiver
}

/** The payload is not what that kind sends; the message says how not. */
export class MalformedPayload extends Error {
  override readonly name = 'MalformedPayload'
}

/** The content of a secret file cannot be used; the message says why, without the secret. */
export class SecretUnusable extends Error {
  override readonly name = 'SecretUnusable'
}

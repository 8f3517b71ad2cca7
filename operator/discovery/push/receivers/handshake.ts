/**
 * The handshake by which senders of CloudEvents ask a target whether it wants what they are told to send it
 * (github.com/cloudevents/spec, cloudevents/http-webhook.md, "Abuse Protection"). The specification asks for no proof of
 * who asks. Here the secret is wanted as for events: whoever could have strangers allowed could set them on us.
 */
import { type Head, MalformedPayload, type Receiver } from './receiver.ts'

/** A DNS expression, as the specification calls it: names, perhaps with a star. */
const origins = /^[A-Za-z0-9*]([-A-Za-z0-9.*_]{0,251}[A-Za-z0-9*])?(:[0-9]{1,5})?$/

/** Requests a minute. Hints that announce nothing are slowed to about that for each registry (registries/hint-limit.ts). */
const mostAMinute = 3000

/** `WebHook-Request-Callback` is an address that a stranger names: it is never called. */
export const handshake: NonNullable<Receiver['handshake']> = (head: Head) => {
  const origin = head.header('webhook-request-origin')
  if (origin === undefined) return undefined
  if (!origins.test(origin)) throw new MalformedPayload('WebHook-Request-Origin is not the name of a host')
  const wanted = head.header('webhook-request-rate') ?? '*'
  if (wanted !== '*' && !/^[1-9][0-9]{0,9}$/.test(wanted)) {
    throw new MalformedPayload('WebHook-Request-Rate is not a number of requests per minute')
  }
  const rate = wanted === '*' ? mostAMinute : Math.min(Number(wanted), mostAMinute)
  return { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': String(rate), allow: 'POST' }
}

/**
 * The handshake by which senders of CloudEvents ask whether a target accepts their events (github.com/cloudevents/spec,
 * cloudevents/http-webhook.md, "Abuse Protection"). The specification asks for no proof. We require the
 * secret, as for events: otherwise a stranger could direct other people's events at us.
 */
import { type Head, MalformedPayload, type Receiver } from './receiver.ts'

/** What the specification calls a DNS expression: names, perhaps with a star. */
const originPattern = /^[A-Za-z0-9*]([-A-Za-z0-9.*_]{0,251}[A-Za-z0-9*])?(:[0-9]{1,5})?$/

/** Requests a minute. However many come, useless hints cause one poll of a target in a second (polling/poller.ts). */
const maxRate = 3000

/** Never calls `WebHook-Request-Callback`, which may be any address. */
export const handshake: NonNullable<Receiver['handshake']> = (head: Head) => {
  const origin = head.header('webhook-request-origin')
  if (origin === undefined) return undefined
  if (!originPattern.test(origin)) throw new MalformedPayload('WebHook-Request-Origin is not a host name')
  const wanted = head.header('webhook-request-rate') ?? '*'
  if (wanted !== '*' && !/^[1-9][0-9]{0,9}$/.test(wanted)) {
    throw new MalformedPayload('WebHook-Request-Rate is not a number of requests per minute')
  }
  const rate = wanted === '*' ? maxRate : Math.min(Number(wanted), maxRate)
  return { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': String(rate), allow: 'POST' }
}

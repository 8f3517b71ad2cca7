/** `POST /v1/hooks/<kind>`: authenticated, bounded, understood, taken – and answered before anything is looked at. */
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Dispatcher, HintOutcome } from '../discovery/push/dispatcher.ts'
import { type Head, MalformedPayload, type Receiver } from '../discovery/push/receivers/receiver.ts'
import { forwardedHeader, type ToLeader } from '../discovery/push/to-leader.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log/log.ts'
import { BodyTooLarge, boundedBody, largestPayload } from './bounded-body.ts'

export interface HooksShown {
  /** By kind; the receiver of a secret file, read anew where it has changed. */
  readonly receivers: ReadonlyMap<string, { receiver(): Promise<Receiver> }>
  readonly dispatcher: Dispatcher
  /** Absent where there is nobody to hand on to. */
  readonly toLeader?: Pick<ToLeader, 'forward'> | undefined
  readonly log: Logger
}

type OfNode = { readonly Bindings: Partial<HttpBindings> }

type Refusal = 400 | 401 | 405 | 413 | 415 | 503

/** Bodies of those who have not yet shown that they may send one, at the same time. */
const mostUnproven = 32
const refusalsSaidEveryMs = 60_000

export function hooksRoutes({ receivers, dispatcher, toLeader, log }: HooksShown): Hono<OfNode> {
  const app = new Hono<OfNode>()
  let unproven = 0
  const warned = new Map<string, number>()
  // A secret that was changed on one side alone has to be noticed; strangers who knock must not fill the log.
  const warnOfRefusal = (kind: string): void => {
    const now = performance.now()
    if (now - (warned.get(kind) ?? Number.NEGATIVE_INFINITY) < refusalsSaidEveryMs) return
    warned.set(kind, now)
    log.warn({ kind }, 'a webhook was refused: its secret, signature or token is missing or wrong')
  }

  app.use(async (c, next) => {
    await next()
    c.header('content-security-policy', "default-src 'none'")
    c.header('x-content-type-options', 'nosniff')
    c.header('cache-control', 'no-store')
  })

  app.all('/v1/hooks/:kind', async (c) => {
    const kind = c.req.param('kind')
    const file = receivers.get(kind)
    if (file === undefined) return c.json({ error: 'there is no such receiver, or it has no secret' }, 404)
    const refuse = (status: Refusal, outcome: HintOutcome, error: string) => {
      dispatcher.count(kind, outcome)
      // What is left of its body is not waited for.
      c.header('connection', 'close')
      if (status === 503) c.header('retry-after', '5')
      return c.json({ error }, status)
    }

    const { method } = c.req
    const refuseMethod = () => {
      c.header('allow', 'POST')
      return refuse(405, 'malformed', 'webhooks are sent by POST')
    }
    if (method !== 'POST' && method !== 'OPTIONS') return refuseMethod()
    if (method === 'POST' && !isJson(c.req.header('content-type')))
      return refuse(415, 'malformed', 'a webhook’s content type is JSON')
    if (Number(c.req.header('content-length') ?? 0) > largestPayload) return refuse(413, 'malformed', tooLarge)

    const url = new URL(c.req.url)
    const head: Head = { header: (name) => c.req.header(name), query: url.searchParams }
    let whole: Promise<Buffer> | undefined
    // Node's own stream: to make a web stream of it takes as long as all the rest.
    const body = () => (whole ??= boundedBody(c.env?.incoming ?? c.req.raw.body))
    const unprovenBody = async () => {
      if (unproven >= mostUnproven) throw new Busy()
      unproven++
      try {
        return await body()
      } finally {
        unproven--
      }
    }
    try {
      const receiver = await file.receiver()
      const allowed = method === 'OPTIONS' ? receiver.handshake?.(head) : undefined
      if (method === 'OPTIONS' && allowed === undefined) return refuseMethod()
      if (!(await receiver.authenticate(head, unprovenBody))) {
        warnOfRefusal(kind)
        c.header('www-authenticate', 'Bearer')
        return refuse(401, 'refused', 'the secret, the signature or the token is missing or wrong')
      }
      if (allowed !== undefined) {
        log.info({ kind, origin: allowed['webhook-allowed-origin'] }, 'a sender of webhooks was told that it may send')
        return c.body(null, 200, { ...allowed })
      }
      const { places, ignored, answer } = receiver.read(parsed(await body()), head)
      if (answer !== undefined) return c.json(answer)
      if (!dispatcher.ready) {
        const isFirst = head.header(forwardedHeader) === undefined
        const hook = { kind, query: url.search, headers: c.req.raw.headers, body: await body() }
        const taken = isFirst ? await toLeader?.forward(hook) : undefined
        if (taken === undefined) return refuse(503, 'unavailable', 'this replica does not follow tags at present')
        dispatcher.count(kind, 'forwarded')
        return c.json(taken, 202)
      }
      const followed = dispatcher.take(kind, places, ignored)
      log.debug({ kind, hints: places.length, followed, ignored }, 'a webhook was taken')
      return c.json({ hints: places.length, followed }, 202)
    } catch (thrown) {
      if (thrown instanceof MalformedPayload) return refuse(400, 'malformed', thrown.message)
      if (thrown instanceof BodyTooLarge) return refuse(413, 'malformed', tooLarge)
      if (!(thrown instanceof Busy)) log.error({ kind, error: messageOf(thrown) }, 'a webhook could not be taken')
      return refuse(503, 'unavailable', 'it cannot be taken now; the log says more')
    }
  })

  app.notFound((c: Context) => c.json({ error: 'there is nothing here; webhooks are sent to /v1/hooks/<kind>' }, 404))
  app.onError((error, c) => {
    log.error({ err: error }, 'a webhook request failed')
    return c.json({ error: 'internal error; the log says more' }, 500)
  })
  return app
}

class Busy extends Error {}

const tooLarge = `a payload has at most ${largestPayload} bytes`

const isJson = (type: string | undefined): boolean => /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type ?? '')

/** @throws MalformedPayload */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new MalformedPayload('the body is not JSON')
  }
}

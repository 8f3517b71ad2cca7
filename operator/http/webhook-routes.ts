/** `POST /v1/hooks/<kind>`: authenticates, bounds and parses a webhook, and answers before anything is polled. */
import type { Socket } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Dispatcher, HintOutcome } from '../discovery/push/dispatcher.ts'
import { forwardedHeader, type LeaderForwarder } from '../discovery/push/leader-forwarder.ts'
import { type Head, MalformedPayload, type Receiver } from '../discovery/push/receivers/receiver.ts'
import type { ReceiversByKind } from '../discovery/push/secret-files.ts'
import type { Logger } from '../log/log.ts'
import { AtMostEvery } from '../time/at-most-every.ts'
import { type HttpServer, listen, securityHeaders } from './listen.ts'
import { Strangers, UnprovenBodies } from './strangers.ts'

export interface WebhookOptions {
  readonly port: number
  readonly receivers: ReceiversByKind
  readonly dispatcher: Dispatcher
  /** Absent where webhooks are not forwarded. */
  readonly forwarder?: Pick<LeaderForwarder, 'forward'> | undefined
  readonly log: Logger
}

interface NodeEnv {
  Bindings: Partial<HttpBindings>
}

export const maxPayloadBytes = 1024 * 1024
/** How many connections of senders that have not proven themselves are open at the same time. */
const maxStrangers = 512
const warningGapMs = 60_000

/**
 * Serves webhooks, on a port of their own, because it may be open to strangers. All it can cause is a poll.
 * @throws NeedsChangeError `PortUnavailable`
 */
export function serveWebhooks({ port, log, ...options }: WebhookOptions): Promise<HttpServer> {
  // A webhook is a few kilobytes, sent at once.
  const limits = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 }
  const strangers = new Strangers(maxStrangers)
  const app = webhookRoutes({ log, ...options }, strangers)
  const onConnection = (socket: Socket) => strangers.connected(socket)
  return listen(app.fetch, { port, flag: '--webhook-port', log, onConnection, ...limits })
}

function webhookRoutes(
  { receivers, dispatcher, forwarder, log }: Omit<WebhookOptions, 'port'>,
  strangers: Strangers,
): Hono<NodeEnv> {
  const app = new Hono<NodeEnv>()
  const unproven = new UnprovenBodies((why) => (why === 'too slow' ? tooSlow() : cannotTake()))
  const warnings = new AtMostEvery(warningGapMs)

  /** @throws Refusal, MalformedPayload */
  const take = async (c: Context<NodeEnv>, kind: string, receiver: Receiver): Promise<Response> => {
    const { method } = c.req
    const url = new URL(c.req.url)
    const head: Head = { header: (name) => c.req.header(name), query: url.searchParams }
    const allowed = method === 'OPTIONS' ? receiver.handshake?.(head) : undefined
    if (method === 'OPTIONS' && allowed === undefined) throw methodNotAllowed()

    let read: Promise<Buffer> | undefined
    // Node's own stream: a web stream of it would take as long as all the rest.
    const stream = c.env?.incoming ?? c.req.raw.body
    const unprovenBody = () => (read ??= unproven.read((onSize) => boundedBody(stream, onSize)))
    if (!(await receiver.authenticate(head, unprovenBody))) {
      // A secret may have changed on one side only.
      if (warnings.isDue(kind))
        log.warn({ kind }, 'a webhook was refused: its secret, signature or token is missing or wrong')
      const error = 'the secret, the signature or the token is missing or wrong'
      throw new Refusal(401, 'refused', error, { 'www-authenticate': 'Bearer' })
    }
    const { incoming, outgoing } = c.env ?? {}
    if (incoming && outgoing) strangers.proven(incoming.socket, outgoing)
    const body = () => (read ??= boundedBody(stream))
    if (allowed !== undefined) {
      log.info({ kind, origin: allowed['webhook-allowed-origin'] }, 'allowed a sender to send webhooks')
      return c.body(null, 200, { ...allowed })
    }
    const { hints, ignored, answer } = receiver.parse(parseJson(await body()), head)
    if (answer !== undefined) return c.json(answer)
    if (dispatcher.ready) {
      const followed = dispatcher.dispatch(kind, hints, ignored)
      log.debug({ kind, hints: hints.length, followed, ignored }, 'received a webhook')
      return c.json({ hints: hints.length, followed }, 202)
    }
    const wasForwarded = head.header(forwardedHeader) !== undefined
    const request = { kind, query: url.search, headers: c.req.raw.headers, body: await body() }
    const leaderAnswer = wasForwarded ? undefined : await forwarder?.forward(request)
    if (leaderAnswer === undefined) throw new Refusal(503, 'unavailable', 'this replica does not follow tags now')
    dispatcher.count(kind, 'forwarded')
    return c.json(leaderAnswer, 202)
  }

  app.use(securityHeaders)
  app.all('/v1/hooks/:kind', async (c) => {
    const kind = c.req.param('kind')
    const receiver = receivers.get(kind)
    if (receiver === undefined) return c.json({ error: 'there is no such receiver, or it has no secret' }, 404)
    try {
      checkHeaders(c)
      return await take(c, kind, await receiver())
    } catch (thrown) {
      const refusal = refusalOf(thrown)
      if (refusal === undefined) log.error({ kind, error: thrown }, 'cannot take a webhook')
      const { status, outcome, message, headers } = refusal ?? cannotTake()
      dispatcher.count(kind, outcome)
      // Does not wait for the rest of the body.
      return c.json({ error: message }, status, { connection: 'close', ...headers })
    }
  })
  app.notFound((c: Context) => c.json({ error: 'there is nothing here; send webhooks to /v1/hooks/<kind>' }, 404))
  return app
}

class Refusal extends Error {
  readonly status: 400 | 401 | 405 | 408 | 413 | 415 | 503
  readonly outcome: HintOutcome
  readonly headers: Record<string, string>

  constructor(status: Refusal['status'], outcome: HintOutcome, message: string, headers = {}) {
    super(message)
    this.status = status
    this.outcome = outcome
    this.headers = status === 503 ? { 'retry-after': '5', ...headers } : headers
  }
}

const cannotTake = () => new Refusal(503, 'unavailable', 'cannot take it now; the log says more')

const tooSlow = () => new Refusal(408, 'malformed', 'a signed body arrives within three seconds of its headers')

const tooLarge = () => new Refusal(413, 'malformed', `a payload has at most ${maxPayloadBytes} bytes`)

const methodNotAllowed = () => new Refusal(405, 'malformed', 'webhooks are sent by POST', { allow: 'POST' })

function refusalOf(thrown: unknown): Refusal | undefined {
  if (thrown instanceof Refusal) return thrown
  if (thrown instanceof MalformedPayload) return new Refusal(400, 'malformed', thrown.message)
  return undefined
}

/** @throws Refusal */
function checkHeaders({ req }: Context): void {
  if (req.method !== 'POST' && req.method !== 'OPTIONS') throw methodNotAllowed()
  const isJson = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(req.header('content-type') ?? '')
  if (req.method === 'POST' && !isJson) throw new Refusal(415, 'malformed', 'the content type of a webhook is JSON')
  if (Number(req.header('content-length') ?? 0) > maxPayloadBytes) throw tooLarge()
}

/**
 * Reads a body byte for byte: signatures are made over its bytes.
 * @throws Refusal
 */
async function boundedBody(
  stream: AsyncIterable<Uint8Array> | null,
  onSize: (bytes: number) => void = () => undefined,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    size += chunk.length
    if (size > maxPayloadBytes) throw tooLarge()
    onSize(size)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** @throws MalformedPayload */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new MalformedPayload('the body is not JSON')
  }
}

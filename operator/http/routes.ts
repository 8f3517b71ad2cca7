/** The HTTP server of probes, pages and metrics. It only reads. */
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { accepts } from 'hono/accepts'
import type { Registry } from 'prom-client'
import { TransientError } from '../errors.ts'
import { ApiError } from '../kubernetes/api-error.ts'
import type { Logger } from '../log/log.ts'
import { AtMostEvery } from '../time/at-most-every.ts'
import type { Version } from '../version.ts'
import { type HttpServer, listen, securityHeaders } from './listen.ts'
import { Problem } from './problem.ts'
import { type WorkloadSource, workloadRoutes } from './workload-routes.ts'

export interface HttpOptions {
  readonly port: number
  /** Why the process is not alive, such as a stuck loop or a dead watch; empty while it is. Called at each request. */
  readonly whyNotAlive: () => readonly string[]
  /** Why the process is not ready; empty when it is. Called at each request. */
  readonly whyNotReady: () => readonly string[]
  readonly version: Version
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>
  readonly workloads: WorkloadSource
  readonly log: Logger
}

/** Links to the first cvmanager have this prefix, which a proxy in front of it took off. */
const oldPrefix = '/cvm'
/** Each may ask the API server; whoever sends more than these at once has to wait. */
const maxReads = 32
const warningGapMs = 60_000

/** @throws NeedsChangeError `PortUnavailable` */
export function serveHttp({ port, log, ...pages }: HttpOptions): Promise<HttpServer> {
  // The request of a scraper or a probe is a few hundred bytes.
  const timeouts = { headersTimeout: 10_000, requestTimeout: 30_000 }
  return listen(routes({ log, ...pages }).fetch, { port, flag: '--port', log, ...timeouts })
}

function routes({ whyNotAlive, whyNotReady, version, metrics, workloads, log }: Omit<HttpOptions, 'port'>): Hono {
  const app = new Hono()
  const problemOf = problems(log)
  app.use(securityHeaders)
  app.get('/alive', (c) => {
    const reasons = whyNotAlive()
    if (!wantsJson(c)) return reasons.length === 0 ? c.text('alive') : c.text(`${reasons.join('\n')}\n`, 503)
    return reasons.length === 0 ? c.json({ alive: true }) : c.json({ alive: false, reasons }, 503)
  })
  app.get('/ready', (c) => {
    const reasons = whyNotReady()
    return reasons.length === 0 ? c.json({ ready: true }) : c.json({ ready: false, reasons }, 503)
  })
  app.get('/version', (c) => (wantsJson(c) ? c.json(version) : c.text(version.version)))
  // The body is complete before the status is sent, so that a failure is a 500 and not half a page (B47).
  app.get('/metrics', async (c) => c.body(await metrics.metrics(), 200, { 'content-type': metrics.contentType }))
  const pages = new Hono().use('/v1/*', atMost(maxReads)).route('/v1/cv/workloads', workloadRoutes(workloads))
  for (const prefix of ['/', oldPrefix]) app.route(prefix, pages)
  app.notFound(({ req }) => {
    const addresses = '/v1/cv/workloads, /alive, /ready, /version or /metrics'
    return new Problem(404, `there is nothing at ${req.path}; try ${addresses}`).response
  })
  app.onError((error, { req }) => problemOf(error, req.path).response)
  return app
}

/** The first cvmanager answered with text, as it still does for whoever does not ask for JSON. */
const wantsJson = (c: Context): boolean =>
  accepts(c, { header: 'Accept', supports: ['text/plain', 'application/json'], default: 'text/plain' }) ===
  'application/json'

/** What becomes of an error: the caller learns what it can do about it, and the log has the rest. */
function problems(log: Logger): (error: unknown, request: string) => Problem {
  const warnings = new AtMostEvery(warningGapMs)
  return (error, request) => {
    if (error instanceof Problem) return error
    if (!(error instanceof ApiError || error instanceof TransientError)) {
      log.error({ error, request }, 'an HTTP request failed')
      return new Problem(500, 'internal error; the log says more')
    }
    // Strangers can send such requests, and must not fill the log.
    if (warnings.isDue()) log.warn({ error, request }, 'cannot answer an HTTP request')
    return new Problem(503, 'cvmanager cannot read this from the API server now; its log says why')
  }
}

/** Refuses what exceeds this number of requests at the same time. */
function atMost(max: number): MiddlewareHandler {
  let running = 0
  return async (_, next) => {
    if (running >= max) throw new Problem(503, `more than ${max} requests are being answered`)
    running++
    try {
      await next()
    } finally {
      running--
    }
  }
}

/** The HTTP server of probes, pages and metrics. It only reads. */
import { type Context, Hono } from 'hono'
import { accepts } from 'hono/accepts'
import type { Registry } from 'prom-client'
import type { Logger } from '../log/log.ts'
import type { Version } from '../version.ts'
import { type HttpServer, listen, securityHeaders } from './listen.ts'

export interface HttpOptions {
  readonly port: number
  /** Why the process is not alive, such as a stuck loop or a dead watch; empty while it is. Called at each request. */
  readonly whyNotAlive: () => readonly string[]
  /** Why the process is not ready; empty when it is. Called at each request. */
  readonly whyNotReady: () => readonly string[]
  readonly version: Version
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>
  readonly log: Logger
}

/** @throws NeedsChangeError `PortUnavailable` */
export function serveHttp({ port, log, ...pages }: HttpOptions): Promise<HttpServer> {
  // The request of a scraper or a probe is a few hundred bytes.
  const timeouts = { headersTimeout: 10_000, requestTimeout: 30_000 }
  return listen(routes({ log, ...pages }).fetch, { port, flag: '--port', log, ...timeouts })
}

function routes({ whyNotAlive, whyNotReady, version, metrics, log }: Omit<HttpOptions, 'port'>): Hono {
  const app = new Hono()
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
  app.notFound((c) =>
    c.json({ error: `there is nothing at ${c.req.path}; try /alive, /ready, /version or /metrics` }, 404),
  )
  app.onError((error, c) => {
    log.error({ error, request: c.req.path }, 'an HTTP request failed')
    return c.json({ error: 'internal error; the log says more' }, 500)
  })
  return app
}

/** The first cvmanager answered with text, as it still does for whoever does not ask for JSON. */
const wantsJson = (c: Context): boolean =>
  accepts(c, { header: 'Accept', supports: ['text/plain', 'application/json'], default: 'text/plain' }) ===
  'application/json'

/** The pages of the HTTP server. Nothing here changes anything. */
import { Hono } from 'hono'
import type { Registry } from 'prom-client'
import type { Logger } from '../log/log.ts'
import type { Version } from '../version.ts'

export interface Liveness {
  readonly alive: boolean
  /** Why not, for people: the loop is stuck, the watch is dead, … */
  readonly reasons: readonly string[]
}

export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** What the routes show; asked anew at each request. */
export interface Shown {
  liveness(): Liveness
  readiness(): Readiness
  readonly version: Version
  readonly metrics: Pick<Registry, 'metrics' | 'contentType'>
  readonly log: Logger
}

export function routes({ liveness, readiness, version, metrics, log }: Shown): Hono {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.header('content-security-policy', "default-src 'none'")
    c.header('x-content-type-options', 'nosniff')
    c.header('cache-control', 'no-store')
  })
  app.get('/alive', (c) => {
    const { alive, reasons } = liveness()
    return alive ? c.json({ alive }) : c.json({ alive, reasons }, 503)
  })
  app.get('/ready', (c) => {
    const { ready, reasons } = readiness()
    return ready ? c.json({ ready }) : c.json({ ready, reasons }, 503)
  })
  app.get('/version', (c) => c.json(version))
  // The body is whole before the status goes out, so that a failure is a 500 and not half a page (B47).
  app.get('/metrics', async (c) => c.body(await metrics.metrics(), 200, { 'content-type': metrics.contentType }))
  app.notFound((c) =>
    c.json({ error: `there is nothing at ${c.req.path}; try /alive, /ready, /version or /metrics` }, 404),
  )
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'an HTTP request failed')
    return c.json({ error: 'internal error; the log says more' }, 500)
  })
  return app
}

/** The two HTTP servers of `cvmanager run`. */
import { type HttpServer, listen } from './listen.ts'
import { type RoutesOptions, routes } from './routes.ts'
import { type WebhookRoutesOptions, webhookRoutes } from './webhook-routes.ts'

interface Port {
  readonly port: number
}

/**
 * Serves probes, pages and metrics.
 * @throws NeedsChangeError `PortUnavailable`
 */
export function serveHttp({ port, ...options }: RoutesOptions & Port): Promise<HttpServer> {
  // The request of a scraper or a probe is a few hundred bytes.
  const timeouts = { headersTimeout: 10_000, requestTimeout: 30_000 }
  return listen(routes(options).fetch, { port, flag: '--port', log: options.log, ...timeouts })
}

/**
 * Serves webhooks, on a port of their own, because it may be open to strangers. All it can cause is a poll.
 * @throws NeedsChangeError `PortUnavailable`
 */
export function serveWebhooks({ port, ...options }: WebhookRoutesOptions & Port): Promise<HttpServer> {
  // A webhook is a few kilobytes, sent at once.
  const limits = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 }
  const { log } = options
  return listen(webhookRoutes(options).fetch, { port, flag: '--webhook-port', log, maxConnections: 512, ...limits })
}

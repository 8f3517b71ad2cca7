/** The server for webhooks. It has its own port, because it may be open to strangers. All it can cause is a poll. */
import { type HttpServer, listen } from './listen.ts'
import { type WebhookRoutesOptions, webhookRoutes } from './webhook-routes.ts'

export interface WebhookServerOptions extends WebhookRoutesOptions {
  readonly port: number
}

const maxConnections = 512

/** @throws NeedsChangeError `PortUnavailable` */
export function serveWebhooks({ port, ...options }: WebhookServerOptions): Promise<HttpServer> {
  return listen(webhookRoutes(options).fetch, {
    port,
    flag: '--webhook-port',
    log: options.log,
    maxConnections,
    // A webhook is a few kilobytes, sent at once.
    headersTimeout: 5_000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 2_000,
  })
}

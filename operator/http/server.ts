/** The HTTP server of `cvmanager run`. */
import { type HttpServer, listen } from './listen.ts'
import { type RoutesOptions, routes } from './routes.ts'

export interface HttpServerOptions extends RoutesOptions {
  readonly port: number
}

/** @throws NeedsChangeError `PortUnavailable` */
export function serveHttp({ port, ...options }: HttpServerOptions): Promise<HttpServer> {
  return listen(routes(options).fetch, {
    port,
    flag: '--port',
    log: options.log,
    // The request of a scraper or a probe is a few hundred bytes.
    headersTimeout: 10_000,
    requestTimeout: 30_000,
  })
}

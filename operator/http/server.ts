/** The HTTP server of `cvmanager run`. */
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type HttpServer, listening } from './listening.ts'
import { routes, type Shown } from './routes.ts'

export interface HttpOptions extends Shown {
  readonly port: number
}

// A scraper's request is a few hundred bytes; whoever sends slower than this is not one.
const headersSeconds = 10
const requestSeconds = 30

/** @throws NeedsChangeError `PortUnavailable` */
export async function serveHttp({ port, ...shown }: HttpOptions): Promise<HttpServer> {
  const server = createServer(
    { headersTimeout: headersSeconds * 1000, requestTimeout: requestSeconds * 1000 },
    getRequestListener(routes(shown).fetch, { overrideGlobalObjects: false }),
  )
  return listening(server, { port, flag: '--port', log: shown.log })
}

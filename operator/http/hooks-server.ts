/** The server of the webhooks, on a port of its own: the one that strangers may be let to. It changes nothing but when it is looked. */
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type HooksShown, hooksRoutes } from './hooks-routes.ts'
import { type HttpServer, listening } from './listening.ts'

export interface HooksOptions extends HooksShown {
  readonly port: number
}

// A notification is some kilobytes, sent at once.
const headersMs = 5_000
const requestMs = 10_000
/** How often the server looks for requests that take longer. */
const checkMs = 2_000
const mostConnections = 512

/** @throws NeedsChangeError `PortUnavailable` */
export async function serveHooks({ port, ...shown }: HooksOptions): Promise<HttpServer> {
  const server = createServer(
    { headersTimeout: headersMs, requestTimeout: requestMs, connectionsCheckingInterval: checkMs },
    getRequestListener(hooksRoutes(shown).fetch, { overrideGlobalObjects: false }),
  )
  server.maxConnections = mostConnections
  return listening(server, { port, flag: '--webhook-port', log: shown.log })
}

/** The server of the webhooks, on a port of its own: the one that strangers may be let to. It changes nothing but when it is looked. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { messageOf, NeedsChangeError } from '../errors.ts'
import { type HooksShown, hooksRoutes } from './hooks-routes.ts'
import type { HttpServer } from './server.ts'

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
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const cause = error.code === 'EADDRINUSE' ? 'another program has it' : messageOf(error)
      const message = `cannot listen on port ${port} for webhooks: ${cause}. End that program, or name another port with --webhook-port.`
      reject(new NeedsChangeError('PortUnavailable', message, { cause: error }))
    })
    server.listen(port, resolve)
  })
  server.on('error', (error) => shown.log.error({ err: error }, 'the server of the webhooks had an error'))

  let closed: Promise<void> | undefined
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      return closed
    },
  }
}

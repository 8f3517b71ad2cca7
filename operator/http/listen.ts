/** Starts the HTTP servers: one for probes, pages and metrics, one for webhooks. */
import { createServer, type ServerOptions } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { MiddlewareHandler } from 'hono'
import { messageOf, NeedsChangeError } from '../errors.ts'
import type { Logger } from '../log/log.ts'

export interface HttpServer {
  /** The port that the server listens on, even if port 0 was requested. */
  readonly port: number
  /** Idempotent. Cuts open connections, so that it never waits for a client. */
  close(): Promise<void>
}

export interface ListenOptions
  extends Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval'> {
  readonly port: number
  /** The flag that sets the port, for the error message. */
  readonly flag: string
  /** Called with each new connection. */
  readonly onConnection?: (socket: Socket) => void
  readonly log: Pick<Logger, 'error'>
}

/** @throws NeedsChangeError `PortUnavailable` */
export async function listen(
  fetch: Parameters<typeof getRequestListener>[0],
  { port, flag, onConnection, log, ...timeouts }: ListenOptions,
): Promise<HttpServer> {
  const server = createServer(timeouts, getRequestListener(fetch, { overrideGlobalObjects: false }))
  if (onConnection !== undefined) server.on('connection', onConnection)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unavailable(port, flag, error)))
    server.listen(port, resolve)
  })
  server.on('error', (error) => log.error({ error, port }, 'the HTTP server had an error'))

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

/** Pages load nothing from elsewhere, and no answer is cached. A page may bring a policy of its own. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next()
  if (!c.res.headers.has('content-security-policy')) c.header('content-security-policy', "default-src 'none'")
  c.header('x-content-type-options', 'nosniff')
  c.header('cache-control', 'no-store')
}

function unavailable(port: number, flag: string, error: NodeJS.ErrnoException): NeedsChangeError {
  const cause =
    error.code === 'EADDRINUSE' ? 'another program uses it. Stop that program, or set' : `${messageOf(error)}. Set`
  const message = `cannot listen on port ${port}: ${cause} another port with ${flag}.`
  return new NeedsChangeError('PortUnavailable', message, { cause: error })
}

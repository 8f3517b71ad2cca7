/** The HTTP server of `cvmanager run`. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { messageOf, NeedsChangeError } from '../errors.ts'
import { routes, type Shown } from './routes.ts'

export interface HttpServer {
  /** The one that is listened on, also where 0 was asked for. */
  readonly port: number
  /** Idempotent; ends open connections too, so that it never waits for a client. */
  close(): Promise<void>
}

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
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unavailable(port, error)))
    server.listen(port, resolve)
  })
  server.on('error', (error) => shown.log.error({ err: error }, 'the HTTP server had an error'))

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

function unavailable(port: number, error: NodeJS.ErrnoException): NeedsChangeError {
  const cause = error.code === 'EADDRINUSE' ? 'another program has it' : messageOf(error)
  const message = `cannot listen on port ${port}: ${cause}. End that program, or name another port with --port.`
  return new NeedsChangeError('PortUnavailable', message, { cause: error })
}

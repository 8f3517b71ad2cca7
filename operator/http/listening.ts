import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf, NeedsChangeError } from '../errors.ts'
import type { Logger } from '../log/log.ts'

export interface HttpServer {
  /** The one that is listened on, also where 0 was asked for. */
  readonly port: number
  /** Idempotent; ends open connections too, so that it never waits for a client. */
  close(): Promise<void>
}

export interface Listening {
  readonly port: number
  /** That names the port, for who has to name another. */
  readonly flag: string
  readonly log: Pick<Logger, 'error'>
}

/** @throws NeedsChangeError `PortUnavailable` */
export async function listening(server: Server, { port, flag, log }: Listening): Promise<HttpServer> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(unavailable(port, flag, error)))
    server.listen(port, resolve)
  })
  server.on('error', (error) => log.error({ err: error, port }, 'the HTTP server had an error'))

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

function unavailable(port: number, flag: string, error: NodeJS.ErrnoException): NeedsChangeError {
  const cause = error.code === 'EADDRINUSE' ? 'another program has it' : messageOf(error)
  const message = `cannot listen on port ${port}: ${cause}. End that program, or name another port with ${flag}.`
  return new NeedsChangeError('PortUnavailable', message, { cause: error })
}

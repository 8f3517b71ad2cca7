/** The flight goes on for others when one of those who wait for it is called off. */
export async function abortable<T>(flight: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await flight
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([flight, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

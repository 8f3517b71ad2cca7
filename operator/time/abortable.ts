/** Waits that a signal ends. */

type Call = (reason: unknown) => void

const callsOf = new WeakMap<AbortSignal, Set<Call>>()

/**
 * Calls `call` when the signal fires, or now if it has. Thousands of requests share one signal: it gets one listener for
 * all of them, since a listener for each request would cost more than the rest of the wait.
 * @returns a function that removes `call` again
 */
export function onAbort(signal: AbortSignal | undefined, call: Call): () => void {
  if (signal === undefined) return nothingToRemove
  if (signal.aborted) {
    call(signal.reason)
    return nothingToRemove
  }
  const calls = callsOf.get(signal) ?? listenTo(signal)
  calls.add(call)
  return () => calls.delete(call)
}

const nothingToRemove = () => undefined

function listenTo(signal: AbortSignal): Set<Call> {
  const calls = new Set<Call>()
  callsOf.set(signal, calls)
  signal.addEventListener(
    'abort',
    () => {
      for (const call of calls) call(signal.reason)
    },
    { once: true },
  )
  return calls
}

/** Ends this wait when the signal fires. The flight goes on for others that wait for it. */
export async function abortable<T>(flight: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await flight
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const forget = onAbort(signal, reject)
  try {
    return await Promise.race([flight, promise])
  } finally {
    forget()
  }
}

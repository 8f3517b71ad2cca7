/** Waits that a signal ends. */

type Call = (reason: unknown) => void

const callsOf = new WeakMap<AbortSignal, Set<Call>>()

/**
 * Calls `call` when the signal fires, or now if it has. Thousands of requests share one signal: it gets one listener for
 * all of them, since each listener of its own costs more than the rest of a wait.
 * @returns a function that takes the call back
 */
export function onAbort(signal: AbortSignal | undefined, call: Call): () => void {
  if (signal === undefined) return nothingToTakeBack
  if (signal.aborted) {
    call(signal.reason)
    return nothingToTakeBack
  }
  const calls = callsOf.get(signal) ?? listenTo(signal)
  calls.add(call)
  return () => calls.delete(call)
}

const nothingToTakeBack = () => undefined

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

/** Ends the wait when the signal fires. The flight goes on for the others that wait for it. */
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

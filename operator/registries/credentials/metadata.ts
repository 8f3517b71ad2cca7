/** The platform's own metadata service, on the same machine: whoever asks elsewhere is not kept waiting. */
import { type Answer, Paused, type Transport, Unreachable } from '../transport/transport.ts'

/** Where there is none, nobody answers at all. */
const deadlineMs = 2_000
/** Of all large clouds. */
export const metadataAddress = '169.254.169.254'

/**
 * Undefined where nobody answers.
 * @param origin `http://…`: of cvmanager's own, never what an object or an answer names
 */
export async function askMetadata(
  transport: Transport,
  origin: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer | undefined> {
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    return await transport.send({
      host: new URL(origin).host,
      purpose: 'token',
      method: 'GET',
      origin,
      path,
      headers,
      destination: 'platform',
      urgent: true,
      signal,
    })
  } catch (error) {
    if (error instanceof Unreachable || error instanceof Paused || signal.aborted) return undefined
    throw error
  }
}

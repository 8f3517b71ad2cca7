/** Sends the SDK's calls as all other requests to registries are sent, through the same queues and connections. */
import { Paused, type Purpose, type Transport } from '../transport/transport.ts'
import { isThrottling } from './failures.ts'

/** The part that is used of what the SDK gives to its HTTP handler. */
interface SdkRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What the SDK passes on from the caller of a command. */
export interface SdkOptions {
  readonly abortSignal?: AbortSignal
  readonly urgent?: boolean
}

const purposes: Readonly<Record<string, Purpose>> = {
  ListImages: 'tags',
  GetDownloadUrlForLayer: 'blob',
}

/**
 * @param host the registry on whose behalf the calls are made
 * @param credential the id of the one that signs them
 */
export function handlerFor(transport: Transport, host: string, credential: string) {
  const handle = async (request: SdkRequest, options: SdkOptions = {}) => {
    const { method, protocol, hostname, port, headers, body } = request
    const { 'user-agent': _, ...others } = headers
    const [, action = ''] = (headers['x-amz-target'] ?? '').split('.')
    const answer = await transport.send({
      host,
      purpose: purposes[action] ?? 'manifest',
      method: method === 'GET' ? 'GET' : 'POST',
      origin: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`,
      path: pathOf(request),
      headers: others,
      body: typeof body === 'string' || body instanceof Uint8Array ? body : undefined,
      // The SDK has it from the registry's name, which is one of AWS, or from the settings.
      destination: 'settings',
      credential,
      urgent: options.urgent,
      signal: options.abortSignal,
      isRefusal: isThrottling,
    })
    // The SDK would try again at once.
    if (answer.retryAfterMs !== undefined) throw new Paused(answer.retryAfterMs)
    const received = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
    return { response: { statusCode: answer.status, headers: Object.fromEntries(received), body: answer.body } }
  }
  return { handle, updateHttpClientConfig: () => undefined, httpHandlerConfigs: () => ({}) }
}

function pathOf({ path, query = {} }: SdkRequest): string {
  const search = new URLSearchParams()
  for (const [name, values] of Object.entries(query)) {
    for (const value of [values ?? ''].flat()) search.append(name, value)
  }
  // As it was signed: RFC 3986 knows no plus for a space.
  return search.size === 0 ? path : `${path}?${search.toString().replaceAll('+', '%20')}`
}

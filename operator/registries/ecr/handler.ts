/** The SDK's calls, sent as all requests to registries are: with their limits, deadline, size and connections. */
import type { Purpose, Transport } from '../transport/transport.ts'

/** What the SDK gives to its HTTP handler, as far as it is used. */
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

interface SdkOptions {
  readonly abortSignal?: AbortSignal
}

const purposes: Readonly<Record<string, Purpose>> = {
  ListImages: 'tags',
  GetDownloadUrlForLayer: 'blob',
}

/** @param host the registry on whose behalf the calls are made */
export function handlerFor(transport: Transport, host: string) {
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
      destination: 'configured',
      signal: options.abortSignal,
    })
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

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { forward } from './forward.ts'
import { digestOf } from './images.ts'
import { answerWithFault, Faults } from './registry-faults.ts'

export interface SeenCall {
  /** Such as `ecr:DescribeImages`, `sts:AssumeRole` or `sqs:ReceiveMessage`; `layer` for the download of a layer. */
  readonly action: string
  readonly body: string
  /** The access key that signed the call. */
  readonly accessKey: string | undefined
  readonly at: number
}

const layerPath = '/layers/'

/**
 * Stands in front of moto: records calls, injects faults, and forwards the rest. It also serves layers, which moto's ECR does
 * not have: GetDownloadUrlForLayer (Amazon ECR API reference), and the URL that it returns.
 */
export class MotoProxy {
  /** For faults, the `path` of a call is its action: `/ecr:DescribeImages`. */
  readonly faults = new Faults()
  calls: SeenCall[] = []
  /** Layers by digest. */
  readonly layers = new Map<string, Buffer>()
  readonly #backendPort: number
  #server: Server | undefined
  #port = 0

  constructor(backendPort: number) {
    this.#backendPort = backendPort
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  addLayer(layer: Buffer): void {
    this.layers.set(digestOf(layer), layer)
  }

  async open(): Promise<void> {
    const server = createServer((incoming, response) => {
      this.#answer(incoming, response).catch(() => response.destroy())
    })
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
    server.unref()
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming)
    const url = incoming.url ?? '/'
    const action = actionOf(incoming, url, body)
    this.calls.push({ action, body: body.toString(), accessKey: accessKeyOf(incoming), at: Date.now() })
    const fault = this.faults.take({ method: incoming.method ?? 'GET', path: `/${action}` })
    if (fault) answerWithFault(fault, incoming, response)
    else if (action === 'layer') this.#layer(url, response)
    else if (action === 'ecr:GetDownloadUrlForLayer') this.#downloadUrl(body, response)
    else forward(incoming, response, this.#backendPort, { body })
  }

  #layer(url: string, response: ServerResponse): void {
    const layer = this.layers.get(decodeURIComponent(url.slice(layerPath.length)))
    response.writeHead(layer ? 200 : 404).end(layer)
  }

  #downloadUrl(body: Buffer, response: ServerResponse): void {
    const { layerDigest } = JSON.parse(body.toString()) as { readonly layerDigest: string }
    const found = this.layers.has(layerDigest)
    const downloadUrl = `${this.endpoint}${layerPath}${encodeURIComponent(layerDigest)}`
    const answer = found
      ? { layerDigest, downloadUrl }
      : { __type: 'LayersNotFoundException', message: 'no such layer' }
    response.writeHead(found ? 200 : 400, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer))
  }
}

function actionOf({ headers }: IncomingMessage, url: string, body: Buffer): string {
  if (url.startsWith(layerPath)) return 'layer'
  const [service = '', name = ''] = String(headers['x-amz-target'] ?? '').split('.')
  if (service.startsWith('AmazonEC2ContainerRegistry')) return `ecr:${name}`
  if (service === 'AmazonSQS') return `sqs:${name}`
  return `sts:${new URLSearchParams(body.toString()).get('Action') ?? url}`
}

const accessKeyOf = ({ headers }: IncomingMessage): string | undefined =>
  /Credential=([A-Z0-9]+)\//i.exec(headers.authorization ?? '')?.[1]

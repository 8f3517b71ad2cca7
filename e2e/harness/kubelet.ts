import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { testCertificate, testKey } from '../../operator/registries/transport/tls.fixture.ts'
import type { Cluster } from './cluster.ts'

/**
 * What the API server asks a kubelet for when somebody reads a log. The simulated nodes have no kubelet, so this one serves
 * the logs for all of them; the API server finds it by the port in the node's status.
 */
export class Kubelet {
  /** What the pods of a namespace have written. */
  readonly logs = new Map<string, string>()
  readonly #server: Server

  private constructor() {
    // As the kubelet's own handler does: /containerLogs/NAMESPACE/POD/CONTAINER?tailLines=…&limitBytes=….
    this.#server = createServer({ cert: testCertificate, key: testKey }, (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet')
      const [, what, namespace = ''] = pathname.split('/')
      const log = this.logs.get(namespace) ?? ''
      const lines = log.split(/(?<=\n)/).slice(-Number(searchParams.get('tailLines') ?? 1e6))
      const limit = Number(searchParams.get('limitBytes') ?? 1e9)
      response.writeHead(what === 'containerLogs' ? 200 : 404, { 'content-type': 'text/plain' })
      response.end(Buffer.from(lines.join('')).subarray(0, limit))
    })
  }

  static async startFor(cluster: Cluster): Promise<Kubelet> {
    const kubelet = new Kubelet()
    const server = kubelet.#server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port: Port } = server.address() as AddressInfo
    const status = { daemonEndpoints: { kubeletEndpoint: { Port } } }
    const nodes = await cluster.kubectlJson<{ items: readonly { metadata: { name: string } }[] }>('get', 'nodes')
    for (const { metadata } of nodes.items)
      await cluster.kubectl('patch', 'node', metadata.name, '--subresource=status', '-p', JSON.stringify({ status }))
    return kubelet
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

import { startCluster } from '../harness/cluster.ts'
import { type Image, makeImage } from '../harness/images.ts'
import { Kubelet } from '../harness/kubelet.ts'
import { startRegistry } from '../harness/registry.ts'
import { kubernetesVersion } from '../tools/programs.ts'
import type { Environment } from './environment.ts'
import { Shell } from './shell.ts'
import type { Terminal } from './terminal.ts'

/** Simulated nodes cannot pull an image with `broken` in its tag, whatever its content (e2e/harness/pod-marks.ts). */
export const simulatedImage = (version: string): Image =>
  makeImage({ content: version, labels: { 'org.opencontainers.image.version': version } })

/** Starts a control plane and a registry for the demo, on free ports of this machine. */
export async function simulatedEnvironment(terminal: Terminal): Promise<Environment> {
  const begun = performance.now()
  const tick = setInterval(() => terminal.progress('starting a control plane and a registry'), 100)
  const [startingCluster, startingRegistry] = [startCluster(), startRegistry()]
  const started = await Promise.allSettled([startingCluster, startingRegistry])
  clearInterval(tick)
  const failed = started.find((result) => result.status === 'rejected')
  if (failed) {
    await startingCluster.then((cluster) => cluster.stop()).catch(() => undefined)
    await startingRegistry.then((registry) => registry.stop()).catch(() => undefined)
    throw failed.reason
  }
  const [cluster, registry] = [await startingCluster, await startingRegistry]
  const kubelet = await Kubelet.startFor(cluster)
  // What e2e/demo/web says on a real node.
  kubelet.logs.set('shop-live', 'self-test: the table orders has no column currency\n')
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  terminal.done(`Kubernetes ${kubernetesVersion} with one node, and a registry at ${registry.host}, after ${seconds} s`)

  return {
    kubeconfig: cluster.kubeconfig,
    directory: cluster.directory,
    // kubectl caches API discovery in HOME. The cache goes with the cluster.
    shell: new Shell(terminal, { KUBECONFIG: cluster.kubeconfig, HOME: cluster.directory }),
    registryHost: registry.host,
    registryOrigin: `http://${registry.host}`,
    images: { make: simulatedImage, architectures: [] },
    simulated: true,
    timeoutMs: 30_000,
    imagePatches: async () => {
      const patches = await cluster.auditLog({
        user: 'system:serviceaccount:cvmanager:cvmanager',
        verbs: ['patch'],
        resource: 'deployments',
      })
      return patches.filter(({ responseStatus }) => responseStatus?.code === 200).length
    },
    // They go with the cluster.
    removeContainerVersions: () => Promise.resolve(),
    end: async () => {
      await Promise.all([kubelet.stop(), cluster.stop(), registry.stop()])
    },
  }
}

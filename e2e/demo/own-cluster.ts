import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UsageError } from '../../operator/errors.ts'
import { makeWorkDirectory, removeWorkDirectory } from '../harness/work-directory.ts'
import { realImage } from './real-image.ts'
import { Shell } from './shell.ts'
import { simulatedStage } from './simulated-stage.ts'
import type { Stage } from './stage.ts'
import type { Terminal } from './terminal.ts'

export interface OwnCluster {
  /** As in KUBECONFIG: one file, or several with colons between them. */
  readonly kubeconfig: string
  /** host[:port] */
  readonly registry: string
}

/** Only where a cluster and a registry are both named; a KUBECONFIG alone is in everybody's environment. */
export function ownClusterAsked(env: NodeJS.ProcessEnv): OwnCluster | undefined {
  const { DEMO_REGISTRY: registry = '', DEMO_KUBECONFIG = '', KUBECONFIG = '' } = env
  const kubeconfig = DEMO_KUBECONFIG || KUBECONFIG
  if (registry === '' && DEMO_KUBECONFIG === '') return undefined
  if (registry === '') throw new UsageError('DEMO_KUBECONFIG is set, but not DEMO_REGISTRY; set it to host[:port] too')
  if (kubeconfig === '') throw new UsageError('DEMO_REGISTRY is set, but neither DEMO_KUBECONFIG nor KUBECONFIG is')
  if (!/^[A-Za-z0-9.-]+(:[0-9]+)?$/.test(registry)) {
    throw new UsageError(`DEMO_REGISTRY: "${registry}" is not a registry's host[:port], without scheme and path`)
  }
  return { kubeconfig, registry }
}

export function chooseStage(own: OwnCluster | undefined, terminal: Terminal, signal: AbortSignal): Promise<Stage> {
  return own ? ownStage(own, terminal, signal) : simulatedStage(terminal)
}

const secondThoughtsMs = 5_000

async function ownStage({ kubeconfig, registry }: OwnCluster, terminal: Terminal, signal: AbortSignal): Promise<Stage> {
  const registryOrigin = await originOf(registry)
  const directory = await makeWorkDirectory('demo')
  try {
    const given = new Shell(terminal, { KUBECONFIG: kubeconfig })
    // A copy: whoever changes the current context meanwhile must not move the demo to another cluster.
    const file = join(directory, 'admin.kubeconfig')
    await writeFile(file, await given.quietly('kubectl config view --raw --minify --flatten'), { mode: 0o600 })
    const shell = new Shell(terminal, { KUBECONFIG: file })
    const context = (await shell.quietly('kubectl config current-context')).trim()
    const server = (await shell.quietly("kubectl config view -o jsonpath='{.clusters[0].cluster.server}'")).trim()
    for (const namespace of ['shop', 'cvmanager']) {
      if (!(await shell.succeeds(`kubectl get namespace ${namespace}`))) continue
      throw new UsageError(
        `the cluster of context ${context} has a namespace ${namespace} already, and the demo would remove it at its end. If nothing in it is needed: kubectl delete namespace ${namespace}`,
      )
    }
    const hadCrd = await shell.succeeds('kubectl get crd containerversions.cvmanager.io')
    terminal.say(`This cluster: context ${context}, ${server}`)
    terminal.say(`This registry: ${registryOrigin}, repository shop/web; the nodes must reach it as ${registry}.`)
    terminal.say(
      'It gets the namespaces shop and cvmanager, the ClusterRole and ClusterRoleBinding cvmanager, and the CRD',
    )
    terminal.say(
      `containerversions.cvmanager.io${hadCrd ? ' (which is there already, and stays)' : ''}. At the end they`,
    )
    terminal.say('are removed again; the images stay in the registry.')
    terminal.waiting(`Ctrl-C within ${secondThoughtsMs / 1000} s to leave it alone`)
    await sleep(secondThoughtsMs, undefined, { signal })

    const nodes = await shell.quietly("kubectl get nodes -o jsonpath='{.items[*].status.nodeInfo.architecture}'")
    const architectures = [...new Set(nodes.trim().split(/\s+/))].sort()
    return {
      kubeconfig: file,
      directory,
      shell,
      registryHost: registry,
      registryOrigin,
      images: { make: await realImage(architectures), architectures },
      simulated: false,
      patienceMs: 180_000,
      imagePatches: () => Promise.resolve(undefined),
      withdraw: async () => {
        const remove = 'kubectl delete cv --all -n shop --ignore-not-found --timeout=30s'
        // Where cvmanager has died, nobody else takes its finalizer away.
        const force = `kubectl patch cv web -n shop --type=merge -p '{"metadata":{"finalizers":null}}'`
        await shell.quietly(`${remove} || ${force}`)
      },
      end: async () => {
        await shell.quietly('kubectl delete namespace shop --ignore-not-found')
        await shell.quietly('kubectl delete -f deploy/rbac.yaml --ignore-not-found')
        await shell.quietly('kubectl delete namespace cvmanager --ignore-not-found')
        if (!hadCrd) await shell.quietly('kubectl delete -f crds/ --ignore-not-found')
        await removeWorkDirectory(directory)
      },
    }
  } catch (error) {
    await removeWorkDirectory(directory)
    throw error
  }
}

/** HTTPS where the registry speaks it, else plain HTTP, which cvmanager must then be told. */
async function originOf(registry: string): Promise<string> {
  for (const origin of [`https://${registry}`, `http://${registry}`]) {
    const status = await fetch(`${origin}/v2/`, { signal: AbortSignal.timeout(10_000) })
      .then((answer) => answer.status)
      .catch(() => undefined)
    if (status === 200) return origin
    if (status === 401) {
      throw new UsageError(
        `DEMO_REGISTRY: ${registry} wants credentials, and the demo pushes without any. Name one that takes images from everybody, such as a throw-away registry:3.`,
      )
    }
  }
  throw new UsageError(`DEMO_REGISTRY: no registry answers at https://${registry}/v2/ or http://${registry}/v2/`)
}

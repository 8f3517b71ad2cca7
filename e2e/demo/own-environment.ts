import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UsageError } from '../../operator/errors.ts'
import { makeWorkDirectory, removeWorkDirectory } from '../harness/work-directory.ts'
import type { Environment } from './environment.ts'
import { realImage } from './real-image.ts'
import { Shell } from './shell.ts'
import { simulatedEnvironment } from './simulated-environment.ts'
import type { Terminal } from './terminal.ts'

export interface OwnCluster {
  /** One file, or several separated by colons, as in KUBECONFIG. */
  readonly kubeconfig: string
  /** host[:port] */
  readonly registry: string
}

/** Both the cluster and the registry must be named, because KUBECONFIG alone is set on many machines. */
export function requestedCluster(env: NodeJS.ProcessEnv): OwnCluster | undefined {
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

export function chooseEnvironment(
  own: OwnCluster | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Environment> {
  return own ? ownEnvironment(own, terminal, signal) : simulatedEnvironment(terminal)
}

const cancelMs = 5_000

/** Those that the demo creates. */
const namespaces = ['shop', 'shop-live', 'cvmanager'] as const

async function ownEnvironment(
  { kubeconfig, registry }: OwnCluster,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Environment> {
  const registryOrigin = await originOf(registry)
  const directory = await makeWorkDirectory('demo')
  try {
    const userShell = new Shell(terminal, { KUBECONFIG: kubeconfig })
    // Uses a copy, so that a change of the current context does not move the demo to another cluster.
    const file = join(directory, 'admin.kubeconfig')
    await writeFile(file, await userShell.run('kubectl config view --raw --minify --flatten'), { mode: 0o600 })
    const shell = new Shell(terminal, { KUBECONFIG: file })
    const context = (await shell.run('kubectl config current-context')).trim()
    const server = (await shell.run("kubectl config view -o jsonpath='{.clusters[0].cluster.server}'")).trim()
    for (const namespace of namespaces) {
      if (!(await shell.succeeds(`kubectl get namespace ${namespace}`))) continue
      throw new UsageError(
        `the cluster of context ${context} already has a namespace ${namespace}, and the demo would remove it at the end. If you do not need it: kubectl delete namespace ${namespace}`,
      )
    }
    const hadCrd = await shell.succeeds('kubectl get crd containerversions.cvmanager.io')
    terminal.say(`This cluster: context ${context}, ${server}`)
    terminal.say(`This registry: ${registryOrigin}, repository shop/web. The nodes must reach it as ${registry}.`)
    terminal.say(
      'The demo creates the namespaces shop, shop-live and cvmanager, the ClusterRole and ClusterRoleBinding cvmanager, and the',
    )
    terminal.say(
      `CRD containerversions.cvmanager.io${hadCrd ? ' (which exists already, and stays)' : ''}. At the end it removes`,
    )
    terminal.say('them again. The images stay in the registry.')
    terminal.progress(`press Ctrl-C within ${cancelMs / 1000} s to cancel`)
    await sleep(cancelMs, undefined, { signal })

    terminal.progress('Go builds the application for your nodes; the first time takes some minutes')
    const nodes = await shell.run("kubectl get nodes -o jsonpath='{.items[*].status.nodeInfo.architecture}'")
    const architectures = [...new Set(nodes.trim().split(/\s+/))].sort()
    return {
      kubeconfig: file,
      directory,
      shell,
      registryHost: registry,
      registryOrigin,
      images: { make: await realImage(architectures), architectures },
      simulated: false,
      timeoutMs: 180_000,
      imagePatches: () => Promise.resolve(undefined),
      removeContainerVersions: async () => {
        for (const namespace of ['shop', 'shop-live']) {
          const remove = `kubectl delete cv --all -n ${namespace} --ignore-not-found --timeout=30s`
          // If cvmanager has died, nobody else removes its finalizer.
          const force = `kubectl patch cv web -n ${namespace} --type=merge -p '{"metadata":{"finalizers":null}}'`
          await shell.run(`${remove} || ${force}`)
        }
      },
      end: async () => {
        await shell.run('kubectl delete -f deploy/rbac.yaml --ignore-not-found')
        await shell.run(`kubectl delete namespace ${namespaces.join(' ')} --ignore-not-found`)
        if (!hadCrd) await shell.run('kubectl delete -f crds/ --ignore-not-found')
        await removeWorkDirectory(directory)
      },
    }
  } catch (error) {
    await removeWorkDirectory(directory)
    throw error
  }
}

/** Prefers HTTPS. Plain HTTP works too, but cvmanager then needs `--insecure-registry`. */
async function originOf(registry: string): Promise<string> {
  for (const origin of [`https://${registry}`, `http://${registry}`]) {
    const status = await fetch(`${origin}/v2/`, { signal: AbortSignal.timeout(10_000) })
      .then((answer) => answer.status)
      .catch(() => undefined)
    if (status === 200) return origin
    if (status === 401) {
      throw new UsageError(
        `DEMO_REGISTRY: ${registry} requires credentials, and the demo pushes without any. Name a registry that accepts anonymous pushes, such as a temporary registry:3.`,
      )
    }
  }
  throw new UsageError(`DEMO_REGISTRY: no registry answers at https://${registry}/v2/ or http://${registry}/v2/`)
}

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { isExecutable, onPath } from '../harness/on-path.ts'
import { type ProgramName, toolsDirectory } from './programs.ts'

export interface Located {
  readonly path: string
  readonly from: 'cache' | 'KUBEBUILDER_ASSETS' | 'PATH'
}

/** The programs in a folder of KUBEBUILDER_ASSETS, as envtest fills it. */
const assetNames: readonly ProgramName[] = ['etcd', 'kube-apiserver', 'kubectl']

/** Older API servers lack features that the product's resources use. */
const OLDEST_MINOR = 33

/**
 * Finds a program; undefined if it must be built. Prefers the user's own programs: those of KUBEBUILDER_ASSETS if its API
 * server is Kubernetes 1.33 or later, and those on PATH only with CVMANAGER_TOOLS_FROM_PATH=1, because a kubectl on PATH is
 * often years old.
 */
export function locate(name: ProgramName, env: NodeJS.ProcessEnv = process.env): Located | undefined {
  return inAssets(name, env) ?? onOwnPath(name, env) ?? inCache(name, env)
}

function inCache(name: ProgramName, env: NodeJS.ProcessEnv): Located | undefined {
  const path = join(toolsDirectory(env), name)
  return isExecutable(path) ? { path, from: 'cache' } : undefined
}

function inAssets(name: ProgramName, env: NodeJS.ProcessEnv): Located | undefined {
  const assets = env.KUBEBUILDER_ASSETS
  if (!assets || !assetNames.includes(name)) return undefined
  const path = join(assets, name)
  return isExecutable(path) && isRecent(join(assets, 'kube-apiserver'))
    ? { path, from: 'KUBEBUILDER_ASSETS' }
    : undefined
}

function onOwnPath(name: ProgramName, env: NodeJS.ProcessEnv): Located | undefined {
  const path = env.CVMANAGER_TOOLS_FROM_PATH === '1' ? onPath([name], env) : undefined
  return path === undefined ? undefined : { path, from: 'PATH' }
}

const recent = new Map<string, boolean>()

function isRecent(apiServer: string): boolean {
  const known = recent.get(apiServer)
  if (known !== undefined) return known
  const result = minorVersion(apiServer) >= OLDEST_MINOR
  recent.set(apiServer, result)
  return result
}

function minorVersion(apiServer: string): number {
  try {
    const answer = execFileSync(apiServer, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return Number(/v1\.(\d+)\./.exec(answer)?.[1] ?? 0)
  } catch {
    return 0
  }
}

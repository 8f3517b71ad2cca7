import { execFileSync } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type ProgramName, toolsDirectory } from './programs.ts'

export interface Located {
  readonly path: string
  readonly from: 'cache' | 'KUBEBUILDER_ASSETS' | 'PATH'
}

/** What a folder of KUBEBUILDER_ASSETS (envtest's) contains. */
const assetNames: readonly ProgramName[] = ['etcd', 'kube-apiserver', 'kubectl']

/** An older API server lacks what the product's resources use. */
const OLDEST_MINOR = 33

/**
 * Where a program is, or undefined where it has to be built. The user's own programs go first: those of
 * KUBEBUILDER_ASSETS where its API server is at least Kubernetes 1.33, and those on PATH only where
 * CVMANAGER_TOOLS_FROM_PATH=1 says so, since a kubectl that happens to be there is often years old.
 */
export function locate(name: ProgramName, env: NodeJS.ProcessEnv = process.env): Located | undefined {
  return inAssets(name, env) ?? onPath(name, env) ?? inCache(name, env)
}

function inCache(name: ProgramName, env: NodeJS.ProcessEnv): Located | undefined {
  const path = join(toolsDirectory(env), name)
  return isExecutable(path) ? { path, from: 'cache' } : undefined
}

function inAssets(name: ProgramName, env: NodeJS.ProcessEnv): Located | undefined {
  const assets = env.KUBEBUILDER_ASSETS
  if (!assets || !assetNames.includes(name)) return undefined
  const path = join(assets, name)
  return isExecutable(path) && suits(join(assets, 'kube-apiserver')) ? { path, from: 'KUBEBUILDER_ASSETS' } : undefined
}

function onPath(name: ProgramName, env: NodeJS.ProcessEnv): Located | undefined {
  if (env.CVMANAGER_TOOLS_FROM_PATH !== '1') return undefined
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name)
    if (directory !== '' && isExecutable(path)) return { path, from: 'PATH' }
  }
  return undefined
}

const verdicts = new Map<string, boolean>()

function suits(apiServer: string): boolean {
  const known = verdicts.get(apiServer)
  if (known !== undefined) return known
  const verdict = minorVersion(apiServer) >= OLDEST_MINOR
  verdicts.set(apiServer, verdict)
  return verdict
}

function minorVersion(apiServer: string): number {
  try {
    const answer = execFileSync(apiServer, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return Number(/v1\.(\d+)\./.exec(answer)?.[1] ?? 0)
  } catch {
    return 0
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

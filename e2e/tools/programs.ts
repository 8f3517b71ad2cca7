import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** The programs of the test bed, each with its Go package. go.mod and go.sum pin the versions. */
export const programs = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  kwok: 'sigs.k8s.io/kwok/cmd/kwok',
  helm: 'helm.sh/helm/v4/cmd/helm',
  registry: 'github.com/distribution/distribution/v3/cmd/registry',
} as const

export type ProgramName = keyof typeof programs
export const programNames = Object.keys(programs) as readonly ProgramName[]

/** `go install` names a program after the last element of its package's path, so etcd's name is `server`. */
export function builtName(name: ProgramName): string {
  return name === 'etcd' ? 'server' : name
}

/** The folder of go.mod and go.sum. */
export const moduleDirectory = import.meta.dirname

const goMod = readFileSync(join(moduleDirectory, 'go.mod'), 'utf8')

/** The Go version that go.mod requires, for example `1.26.0`. */
export const wantedGo = pinned(/^go (\d+\.\d+(?:\.\d+)?)$/m)

/** The version of a package's module, for example `v1.36.3`. */
export function moduleVersion(goPackage: string): string {
  const modules = [...goMod.matchAll(/^\s+(\S+) (v\S+)/gm)].map(([, path = '', version = '']) => ({ path, version }))
  const found = modules
    .filter(({ path }) => `${goPackage}/`.startsWith(`${path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0]
  if (!found) throw new Error(`e2e/tools/go.mod: it pins no module of ${goPackage}`)
  return found.version
}

/** The Kubernetes version that go.mod pins, for example `v1.36.3`. */
export const kubernetesVersion = moduleVersion(programs.kubectl)

const [major, minor] = kubernetesVersion.slice(1).split('.')
const versionPackage = 'k8s.io/component-base/version'

/** Sets the version. Otherwise clients see v0.0.0 and turn features off. */
export const linkerFlags = [
  '-s -w',
  `-X ${versionPackage}.gitVersion=${kubernetesVersion}`,
  `-X ${versionPackage}.gitMajor=${major}`,
  `-X ${versionPackage}.gitMinor=${minor}`,
].join(' ')

const HASH_LENGTH = 12

/**
 * The folder of the built programs, one for each user and not for each checkout. Its name changes with everything that
 * changes the programs, so that one cache serves all branches.
 */
export function toolsDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const hash = createHash('sha256')
    .update(goMod)
    .update(readFileSync(join(moduleDirectory, 'go.sum')))
    .update(linkerFlags)
    .digest('hex')
  return join(cacheRoot(env), `${hash.slice(0, HASH_LENGTH)}-${process.platform}-${process.arch}`)
}

/** Contains everything that `make tools` creates. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  if (env.CVMANAGER_TOOLS) return env.CVMANAGER_TOOLS
  const xdg = env.XDG_CACHE_HOME
  // The XDG specification says to ignore relative paths.
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'cvmanager', 'tools')
}

function pinned(pattern: RegExp): string {
  const found = pattern.exec(goMod)?.[1]
  if (!found) throw new Error(`e2e/tools/go.mod: no line matches ${pattern}`)
  return found
}

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** The programs of the test bed, each with the Go package that it is built from (pinned by go.mod and go.sum). */
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

/** `go install` names a program after the last element of its package's path: etcd's comes out as `server`. */
export function builtName(name: ProgramName): string {
  return name === 'etcd' ? 'server' : name
}

/** The folder of go.mod and go.sum. */
export const moduleDirectory = import.meta.dirname

const goMod = readFileSync(join(moduleDirectory, 'go.mod'), 'utf8')

/** The Go that go.mod asks for, for example `1.26.0`. */
export const wantedGo = pinned(/^go (\d+\.\d+(?:\.\d+)?)$/m)

/** The Kubernetes that go.mod pins, for example `v1.36.3`. */
export const kubernetesVersion = pinned(/^\s*k8s\.io\/kubernetes (v\d+\.\d+\.\d+)/m)

const [major, minor] = kubernetesVersion.slice(1).split('.')
const versionPackage = 'k8s.io/component-base/version'

/** Without the version set in, clients would see v0.0.0 and turn features off. */
export const linkerFlags = [
  '-s -w',
  `-X ${versionPackage}.gitVersion=${kubernetesVersion}`,
  `-X ${versionPackage}.gitMajor=${major}`,
  `-X ${versionPackage}.gitMinor=${minor}`,
].join(' ')

const HASH_LENGTH = 12

/**
 * Where the built programs are kept, per user and not per checkout. Its name changes with anything that changes the
 * programs, so that one cache serves every branch.
 */
export function toolsDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const hash = createHash('sha256')
    .update(goMod)
    .update(readFileSync(join(moduleDirectory, 'go.sum')))
    .update(linkerFlags)
    .digest('hex')
  return join(cacheRoot(env), `${hash.slice(0, HASH_LENGTH)}-${process.platform}-${process.arch}`)
}

/** Everything that `make tools` makes is in here. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  if (env.CVMANAGER_TOOLS) return env.CVMANAGER_TOOLS
  const xdg = env.XDG_CACHE_HOME
  // The XDG specification: a relative path is to be ignored.
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'cvmanager', 'tools')
}

function pinned(pattern: RegExp): string {
  const found = pattern.exec(goMod)?.[1]
  if (!found) throw new Error(`e2e/tools/go.mod: no line matches ${pattern}`)
  return found
}

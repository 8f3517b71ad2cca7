import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../tools/lock.ts'
import { cacheRoot, linkerFlags } from '../tools/programs.ts'
import { formatDuration } from '../tools/progress.ts'
import { run } from './command.ts'

/** Everything that `make e2e-kind` makes once for each user: programs and images. */
export const cacheDirectory = (): string => join(cacheRoot(process.env), 'kind')

/** Those of Kubernetes. tools/go.mod pins the version, which is that of e2e/tools. */
const ofModule = {
  kubeadm: 'k8s.io/kubernetes/cmd/kubeadm',
  kubelet: 'k8s.io/kubernetes/cmd/kubelet',
  'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
} as const

/** Those that Go installs as they are. The checksum database of Go vouches for them. */
const ofRelease = {
  kind: 'sigs.k8s.io/kind@v0.33.0',
  coredns: 'github.com/coredns/coredns@v1.14.2',
  containerd: 'github.com/containerd/containerd/v2/cmd/containerd@v2.4.2',
  'containerd-shim-runc-v2': 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2@v2.4.2',
  ctr: 'github.com/containerd/containerd/v2/cmd/ctr@v2.4.2',
} as const

export type KindProgram = keyof typeof ofModule | keyof typeof ofRelease

const moduleDirectory = join(import.meta.dirname, 'tools')

/** The folder of the programs. Its name changes with everything that changes them. */
export function programsDirectory(): string {
  const hash = createHash('sha256').update(JSON.stringify({ ofModule, ofRelease, linkerFlags }))
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleDirectory, file)))
  return join(cacheDirectory(), `programs-${hash.digest('hex').slice(0, 12)}`)
}

/** Builds these programs, unless they are there. The first time takes some fifteen minutes on two cores. */
export async function buildPrograms(names: readonly KindProgram[], say: (line: string) => void): Promise<void> {
  const target = programsDirectory()
  const missing = () => names.filter((name) => !existsSync(join(target, name)))
  if (missing().length === 0) return
  const waiting = (holder: number) => say(`Another build (process ${holder}) is running; waiting for it.`)
  await withLock(`${target}.lock`, waiting, async () => {
    for (const name of missing()) await build(name, target, say)
  })
}

/** The source files of kind, of which its node image is made. */
export async function kindSources(): Promise<string> {
  const answer = await go(['mod', 'download', '-json', ofRelease.kind])
  return (JSON.parse(answer) as { readonly Dir: string }).Dir
}

const isOfModule = (name: KindProgram): name is keyof typeof ofModule => name in ofModule

async function build(name: KindProgram, target: string, say: (line: string) => void): Promise<void> {
  const started = Date.now()
  say(`Building ${name} …`)
  const staging = `${target}.building`
  mkdirSync(staging, { recursive: true })
  mkdirSync(target, { recursive: true })
  const env = { GOBIN: staging }
  if (isOfModule(name))
    await go(['install', '-ldflags', linkerFlags, ofModule[name]], { env, directory: moduleDirectory })
  else await go(['install', '-ldflags', '-s -w', ofRelease[name as keyof typeof ofRelease]], { env })
  renameSync(join(staging, name), join(target, name))
  say(`Built ${name} in ${formatDuration(Date.now() - started)}.`)
}

function go(
  args: readonly string[],
  options: { env?: Record<string, string>; directory?: string } = {},
): Promise<string> {
  const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -trimpath', GOTOOLCHAIN: 'local', GOWORK: 'off' }
  return run('go', args, { directory: '/', ...options, env: { ...env, ...options.env }, timeoutMs: 1_800_000 })
}

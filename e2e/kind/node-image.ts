import { createHash } from 'node:crypto'
import { cp, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { toolPath } from '../harness/tools.ts'
import { makeWorkDirectory } from '../harness/work-directory.ts'
import { kubernetesVersion, toolsDirectory } from '../tools/programs.ts'
import { attempt, run } from './command.ts'
import { debianImage } from './debian.ts'
import type { Engine } from './engine.ts'
import { buildPrograms, kindSources, programsDirectory } from './programs.ts'

const sources = join(import.meta.dirname, 'node')
const nodePrograms = [
  'kubeadm',
  'kubelet',
  'kube-proxy',
  'coredns',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
] as const

/** The image of kind's nodes, made on this machine: kind's own is in an image registry, which not every machine reaches. */
export async function nodeImage(engine: Engine, say: (line: string) => void): Promise<string> {
  await buildPrograms(nodePrograms, say)
  const debian = await debianImage(engine, say)
  const hash = createHash('sha256').update(programsDirectory()).update(toolsDirectory())
  for (const file of ['Dockerfile', 'pause/main.go']) hash.update(await readFile(join(sources, file)))
  hash.update(await readFile(import.meta.filename))
  const name = `cvmanager-e2e/node:${kubernetesVersion}-${hash.digest('hex').slice(0, 12)}`
  const { env } = engine
  if ((await attempt('docker', ['image', 'inspect', name], { env })).status === 0) return name

  say('Making the image of the nodes …')
  const context = await makeWorkDirectory('node-image')
  try {
    await programsInto(join(context, 'programs'))
    await filesOfKind(join(context, 'files'))
    await writeFile(join(context, '10-bridge.conflist'), JSON.stringify(network))
    await mkdir(join(context, 'manifests'))
    await writeFile(
      join(context, 'manifests', 'default-cni.yaml'),
      manifest('ConfigMap', 'v1', 'network-is-in-the-image'),
    )
    await writeFile(join(context, 'manifests', 'default-storage.yaml'), storageClass)
    await componentImages(join(context, 'programs'), join(context, 'images.tar'), debian, env)
    await build(context, join(sources, 'Dockerfile'), name, env, { DEBIAN: debian })
  } finally {
    await rm(context, { recursive: true, force: true })
  }
  return name
}

/** Links, since the programs have 800 MB. */
async function programsInto(directory: string): Promise<void> {
  await mkdir(directory)
  const place = async (path: string) =>
    link(path, join(directory, basename(path))).catch(() => cp(path, join(directory, basename(path))))
  for (const name of nodePrograms) await place(join(programsDirectory(), name))
  for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const) {
    await place(toolPath(name))
  }
  const pause = join(sources, 'pause', 'main.go')
  const env = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -trimpath' }
  await run('go', ['build', '-ldflags', '-s -w', '-o', join(directory, 'pause'), pause], { env, directory })
}

/** kind's own files, with what this node needs: control groups of version 1, and root without CAP_SYS_RESOURCE. */
async function filesOfKind(directory: string): Promise<void> {
  await cp(join(await kindSources(), 'images', 'base', 'files'), directory, { recursive: true })
  await run('chmod', ['-R', 'u+w', directory])
  const change = async (path: string, edit: (text: string) => string) => {
    const file = join(directory, path)
    await writeFile(file, edit(await readFile(file, 'utf8')))
  }
  await change('etc/default/kubelet', (text) => `${text.trimEnd()} --fail-cgroupv1=false\n`)
  await change('etc/containerd/config.toml', (text) =>
    text
      .replace('restrict_oom_score_adj = false', 'restrict_oom_score_adj = true')
      .replace(/\[proxy_plugins\][\s\S]*?address = .*\n/, ''),
  )
  await writeFile(join(directory, 'kind', 'version'), kubernetesVersion)
}

/** The images that kubeadm starts, under the names that it knows, in one archive. */
async function componentImages(programs: string, archive: string, debian: string, env: Engine['env']): Promise<void> {
  const kubeadm = join(programsDirectory(), 'kubeadm')
  const listed = await run(kubeadm, ['config', 'images', 'list', '--kubernetes-version', kubernetesVersion])
  // The sandbox of kind's containerd.conf, which may be older than kubeadm's.
  const names = [...new Set([...listed.trim().split('\n'), 'registry.k8s.io/pause:3.10'])]
  for (const name of names) {
    const program = basename(name.slice(0, name.lastIndexOf(':')))
    // kube-proxy runs iptables.
    const base = program === 'kube-proxy' ? debian : 'scratch'
    const lines = [
      `FROM ${base}`,
      `COPY ${program} /usr/local/bin/${program}`,
      'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      `ENTRYPOINT ["/usr/local/bin/${program}"]`,
    ]
    const dockerfile = join(programs, 'Dockerfile')
    await writeFile(dockerfile, `${lines.join('\n')}\n`)
    await writeFile(join(programs, '.dockerignore'), `*\n!${program}\n`)
    await build(programs, dockerfile, name, env)
  }
  await run('docker', ['save', '--output', archive, ...names], { env })
  await run('docker', ['rmi', ...names], { env })
}

function build(
  context: string,
  dockerfile: string,
  name: string,
  env: Engine['env'],
  values: Readonly<Record<string, string>> = {},
): Promise<string> {
  const args = Object.entries(values).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`])
  const options = ['--network', 'none', '--file', dockerfile, '--tag', name]
  return run('docker', ['build', ...options, ...args, context], { env: { ...env, DOCKER_BUILDKIT: '0' } })
}

const network = {
  cniVersion: '1.0.0',
  name: 'bridge',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.244.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
}

const manifest = (kind: string, apiVersion: string, name: string): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name, namespace: 'kube-system' } })

const storageClass = JSON.stringify({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard' },
  provisioner: 'kubernetes.io/no-provisioner',
})

/** What `make deploy` and `make undeploy` share: the kind cluster that they work on. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engineFault } from './image.ts'

/** The name of the Helm release, and of its namespace. */
export const release = 'cvmanager'

/** The name of the cluster. @throws Error that says why it cannot be worked on, and what to do */
export function kindCluster(): string {
  const cluster = process.env.KIND_CLUSTER || 'kind'
  const fault = engineFault(process.env) ?? kindFault(cluster)
  if (fault !== undefined) throw new Error(fault)
  return cluster
}

function kindFault(cluster: string): string | undefined {
  for (const [program, { version, page }] of Object.entries(programs)) {
    if (spawnSync(program, version).error) return `${program} is not on PATH. Install it: ${page}`
  }
  const { status, stdout, stderr } = spawnSync('kind', ['get', 'clusters'], { encoding: 'utf8' })
  if (status !== 0) return `kind does not reach the container engine: ${stderr.trim()}`
  const clusters = stdout.split('\n').filter((name) => name !== '')
  if (clusters.includes(cluster)) return undefined
  const others = clusters.length > 0 ? `, or let KIND_CLUSTER name one of: ${clusters.join(', ')}` : ''
  return `there is no kind cluster "${cluster}". Create it: kind create cluster --name ${cluster}${others}`
}

const programs = {
  kind: { version: ['version'], page: 'https://kind.sigs.k8s.io/docs/user/quick-start' },
  kubectl: { version: ['version', '--client'], page: 'https://kubernetes.io/docs/tasks/tools' },
  helm: { version: ['version'], page: 'https://helm.sh/docs/intro/install' },
}

/** Does the work with a kubeconfig of this cluster alone, whatever context kubectl is at. */
export function inCluster(cluster: string, work: (env: NodeJS.ProcessEnv) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'cvmanager-deploy-'))
  try {
    const { status, stdout, stderr } = spawnSync('kind', ['get', 'kubeconfig', '--name', cluster], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`kind get kubeconfig: ${stderr.trim()}`)
    const file = join(directory, 'kubeconfig')
    writeFileSync(file, stdout, { mode: 0o600 })
    work({ ...process.env, KUBECONFIG: file })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Prints the command, and runs it with its output on this process's. @throws Error if it fails */
export function runShown(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  process.stdout.write(`$ ${[program, ...args].join(' ')}\n`)
  const { status, error } = spawnSync(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`${program} has failed${error ? `: ${error.message}` : ''}; its output says why`)
}

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RunningProgram } from '../harness/processes.ts'
import type { Environment } from './environment.ts'
import { checkout } from './shell.ts'

/** Longer than anybody keeps the demo open. */
const tokenLifetime = '24h'

/** Starts `cvmanager run` of this checkout outside the cluster, with the rights of deploy/rbac.yaml and no others. */
export async function startOperator(environment: Environment): Promise<RunningProgram> {
  const kubeconfig = await serviceAccountKubeconfig(environment)
  const insecure = environment.registryOrigin.startsWith('http:')
    ? ['--insecure-registry', environment.registryHost]
    : []
  return new RunningProgram({
    name: 'cvmanager',
    path: join(checkout, 'bin', 'cvmanager'),
    args: ['run', '--k8s-config', kubeconfig, '--history', '--port', '0', '--log-format', 'pretty', ...insecure],
    directory: checkout,
    logFile: join(environment.directory, 'cvmanager.log'),
  })
}

interface KubeConfigFile {
  readonly clusters: readonly { readonly name: string }[]
}

/** Writes a copy of the administrator's kubeconfig with the service account's token in it. */
async function serviceAccountKubeconfig({ shell, directory }: Environment): Promise<string> {
  const token = await shell.run(`kubectl create token cvmanager --namespace cvmanager --duration ${tokenLifetime}`)
  const text = await shell.run('kubectl config view --raw --minify --flatten --output json')
  const { clusters } = JSON.parse(text) as KubeConfigFile
  const cluster = clusters[0]?.name ?? ''
  const user = 'cvmanager'
  const file = join(directory, 'cvmanager.kubeconfig')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{ name: user, user: { token: token.trim() } }],
    contexts: [{ name: user, context: { cluster, user, namespace: 'cvmanager' } }],
    'current-context': user,
  }
  await writeFile(file, JSON.stringify(config), { mode: 0o600 })
  return file
}

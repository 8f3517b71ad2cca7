import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RunningProgram } from '../harness/processes.ts'
import { checkout } from './shell.ts'
import type { Stage } from './stage.ts'

/** Longer than anybody plays. */
const tokenLifetime = '24h'

/** `cvmanager run` of this checkout, outside of the cluster, with the rights of deploy/rbac.yaml and no others. */
export async function startOperator(stage: Stage): Promise<RunningProgram> {
  const kubeconfig = await ofServiceAccount(stage)
  const insecure = stage.registryOrigin.startsWith('http:') ? ['--insecure-registry', stage.registryHost] : []
  return new RunningProgram({
    name: 'cvmanager',
    path: join(checkout, 'bin', 'cvmanager'),
    args: ['run', '--k8s-config', kubeconfig, '--history', '--port', '0', '--log-format', 'pretty', ...insecure],
    directory: checkout,
    logFile: join(stage.directory, 'cvmanager.log'),
  })
}

interface KubeConfigFile {
  readonly clusters: readonly { readonly name: string }[]
}

/** The administrator's kubeconfig with the account's token in the place of the administrator's own. */
async function ofServiceAccount({ shell, directory }: Stage): Promise<string> {
  const token = await shell.quietly(`kubectl create token cvmanager --namespace cvmanager --duration ${tokenLifetime}`)
  const text = await shell.quietly('kubectl config view --raw --minify --flatten --output json')
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

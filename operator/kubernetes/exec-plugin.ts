/** Credential plugins of a kubeconfig (`exec`): what they get from kubectl, and client-node leaves out. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { Cluster, User } from '@kubernetes/client-node'

/** The kubeconfig's own names (client-go, clientcmd/api/v1, `ExecConfig`). */
interface ExecConfig {
  readonly apiVersion?: string
  readonly command?: string
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null
  readonly provideClusterInfo?: boolean
  readonly installHint?: string
}

/** As kubectl: a command with a slash in it is relative to the file that names it, and any other is found on the PATH. */
export function withCommandOf(user: User, file: string): User {
  const { exec } = user as { exec?: ExecConfig | null }
  if (!exec?.command || isAbsolute(exec.command) || !/[/\\]/.test(exec.command)) return user
  return { ...user, exec: { ...exec, command: resolve(dirname(file), exec.command) } }
}

/** Tells a plugin by KUBERNETES_EXEC_INFO which version of the API it is to answer in, and for which cluster if it asks. */
export function withExecInfo(user: User, cluster: Cluster): User {
  const { exec } = user as { exec?: ExecConfig | null }
  if (!exec) return user
  const { apiVersion = 'client.authentication.k8s.io/v1', provideClusterInfo, env } = exec
  const spec = { interactive: false, ...(provideClusterInfo ? { cluster: clusterInfo(cluster) } : {}) }
  const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec })
  return { ...user, exec: { ...exec, env: [...(env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: info }] } }
}

/** How to install a plugin that is not there, in the words of the kubeconfig. */
export function installHintOf(user: User | null): string {
  const { installHint } = (user?.exec ?? {}) as ExecConfig
  return installHint ? `. ${installHint.trim()}` : ''
}

/** As in `spec.cluster` of an ExecCredential. */
const clusterInfo = ({ server, tlsServerName, skipTLSVerify, caFile, caData, proxyUrl }: Cluster) => ({
  server,
  'tls-server-name': tlsServerName,
  'insecure-skip-tls-verify': skipTLSVerify || undefined,
  'certificate-authority-data': caData ?? (caFile ? readFileSync(caFile, 'base64') : undefined),
  'proxy-url': proxyUrl,
})

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'

/** The users that the test bed's own programs have on the API server. Kubernetes binds its built-in roles to these names. */
const components = {
  admin: { user: 'kubernetes-admin', groups: ['system:masters'] },
  'kube-controller-manager': { user: 'system:kube-controller-manager', groups: [] },
  'kube-scheduler': { user: 'system:kube-scheduler', groups: [] },
  // kwok simulates the kubelets of all nodes.
  kwok: { user: 'system:kwok', groups: ['system:masters'] },
} as const

export type Identity = keyof typeof components

export interface IdentityFiles {
  readonly tokens: Readonly<Record<Identity, string>>
  readonly tokenFile: string
  readonly serviceAccountKey: string
}

/** Writes static tokens instead of client certificates, so that no tool has to sign certificates. */
export async function writeIdentities(directory: string): Promise<IdentityFiles> {
  const tokenFile = join(directory, 'tokens.csv')
  const serviceAccountKey = join(directory, 'service-accounts.key')
  const names = Object.keys(components) as Identity[]
  const tokens = Object.fromEntries(names.map((name) => [name, randomBytes(24).toString('hex')]))
  const lines = names.map((name) => {
    const { user, groups } = components[name]
    return `${tokens[name]},${user},${name},"${groups.join(',')}"\n`
  })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const secretMode = { mode: 0o600 }
  await writeFile(tokenFile, lines.join(''), secretMode)
  await writeFile(serviceAccountKey, privateKey.export({ type: 'pkcs1', format: 'pem' }), secretMode)
  return { tokens: tokens as Record<Identity, string>, tokenFile, serviceAccountKey }
}

export interface KubeconfigSettings {
  readonly path: string
  readonly server: string
  /** PEM. */
  readonly certificateAuthority: string
  readonly user: string
  readonly token: string
  readonly namespace?: string
}

export async function writeKubeconfig(settings: KubeconfigSettings): Promise<string> {
  const name = 'cvmanager-e2e'
  const cluster = {
    server: settings.server,
    'certificate-authority-data': Buffer.from(settings.certificateAuthority).toString('base64'),
  }
  const context = {
    cluster: name,
    user: settings.user,
    ...(settings.namespace ? { namespace: settings.namespace } : {}),
  }
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    contexts: [{ name, context }],
    users: [{ name: settings.user, user: { token: settings.token } }],
  }
  await writeFile(settings.path, stringify(kubeconfig), { mode: 0o600 })
  return settings.path
}

/** deploy/: plain YAML for whoever does not use Helm, rendered from the chart. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { locate } from '../e2e/tools/locate.ts'

interface File {
  readonly about: string
  /** Templates of the chart, in the order of the file. */
  readonly templates: readonly string[]
  readonly values?: readonly string[]
}

/** The files of deploy/, by name. */
const files: Readonly<Record<string, File>> = {
  'rbac.yaml': {
    about: `# All rights of cvmanager, for the service account cvmanager in namespace cvmanager. If it runs as another account, change the
# subjects. The end-to-end tests run it with exactly these rights.`,
    templates: ['serviceaccount', 'rbac'],
  },
  'cvmanager.yaml': {
    about: `# cvmanager in namespace cvmanager, with two replicas. Apply it after crds/ and deploy/rbac.yaml, with the name of your image:
#   sed 's|registry.example.com/|registry.my.org/ops/|' deploy/cvmanager.yaml | kubectl apply -f -
# Settings (docs/settings.md) go into the ConfigMap. cvmanager reads them at the start: kubectl rollout restart.`,
    templates: ['configmap', 'service', 'deployment', 'poddisruptionbudget'],
  },
  'pull-secrets.yaml': {
    about: `# Lets cvmanager read the pull secret with this name, and no other. Apply it in each namespace whose registry requires
# credentials, with its name and the secret's:
#   sed 's|namespace: shop|namespace: blog|; s|\\[regcred\\]|[dockerhub]|' deploy/pull-secrets.yaml | kubectl apply -f -
# Without it, the status has the reason PullSecretNotReadable and names the secret.`,
    templates: ['pull-secrets'],
    values: ['rbac.pullSecrets[0].namespace=shop', 'rbac.pullSecrets[0].names={regcred}'],
  },
  'service-account-tokens.yaml': {
    about: `# Lets cvmanager request tokens of the service account with this name, and of no other. Apply it in each namespace with a
# ContainerVersion that has spec.serviceAccountName. Whoever has this right can also act as the account in the cluster, so use
# accounts that are for the registry alone, and bind no rights to them.
# Without it, cvmanager does not ask the registry. The status has the reason ServiceAccountTokenNotReadable and names the account.`,
    templates: ['service-account-tokens'],
    values: ['rbac.serviceAccountTokens[0].namespace=shop', 'rbac.serviceAccountTokens[0].names={registry-reader}'],
  },
  'ci.yaml': {
    about: `# Lets a CI job wait for the versions of one namespace (cvmanager cv wait) and ask for a poll (cvmanager cv reconcile), and
# nothing else. Apply it in each namespace that CI waits for:
#   sed 's|namespace: shop|namespace: blog|' deploy/ci.yaml | kubectl apply -f -
# The patch sets the annotation cvmanager.io/reconcile. RBAC knows no smaller right than to patch the whole ContainerVersion:
# leave it out for a job that may not, and it waits for the regular poll.`,
    templates: ['ci'],
    values: ['rbac.ci[0].namespace=shop', 'rbac.ci[0].name=ci'],
  },
}

export const deployFileNames = Object.keys(files)

/** Undefined where there is no helm: `make tools` builds it, and it is not needed to build cvmanager. */
export function deployFile(name: string): string | undefined {
  const helm = locate('helm')?.path
  const file = files[name]
  return helm && file ? render(helm, file) : undefined
}

const chart = join(import.meta.dirname, '../charts/cvmanager')

function render(helm: string, { about, templates, values = [] }: File): string {
  const shown = templates.flatMap((template) => ['--show-only', `templates/${template}.yaml`])
  const set = ['image.repository=registry.example.com/cvmanager', ...values].flatMap((value) => ['--set', value])
  // The kind cluster of a developer must not change what is rendered.
  const env = { PATH: process.env.PATH, HOME: chart, KUBECONFIG: '/dev/null' }
  const all = execFileSync(helm, ['template', 'cvmanager', chart, '--namespace', 'cvmanager', ...shown, ...set], {
    encoding: 'utf8',
    env,
  })
  return [
    `# Rendered by \`make generate\` from charts/cvmanager; do not edit.\n${about}`,
    ...all.split(/^---$/m).slice(1),
  ]
    .map((document) => document.replaceAll(ofHelm, '').trim())
    .filter((document) => document !== '')
    .join('\n---\n')
    .replace(/\n---\n/, '\n')
    .concat('\n')
}

/** What is there for Helm alone: where a template comes from, and the labels of a release. */
const ofHelm = /^# Source: .*\n| +labels:\n(?: +(?:helm\.sh|app\.kubernetes\.io)\/.*\n)+/gm

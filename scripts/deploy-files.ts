/** deploy/: plain YAML for whoever does not use Helm, rendered from the chart. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { locate } from '../e2e/tools/locate.ts'

interface File {
  readonly about: string
  /** Templates of the chart, in the order of the file. */
  readonly templates: readonly string[]
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
  },
  'service-account-tokens.yaml': {
    about: `# Lets cvmanager request tokens of the service account with this name, and of no other. Apply it in each namespace with a
# ContainerVersion that has spec.serviceAccountName. Whoever has this right can also act as the account in the cluster, so use
# accounts that are for the registry alone, and bind no rights to them.
# Without it, cvmanager does not ask the registry. The status has the reason ServiceAccountTokenNotReadable and names the account.`,
    templates: ['service-account-tokens'],
  },
  'viewers.yaml': {
    about: `# Lets whoever may look at a namespace (the ClusterRoles view, edit and admin of Kubernetes) look at its ContainerVersions too:
# kubectl get cv, cvmanager cv get, cvmanager cv status, and the pages /v1/cv/workloads.`,
    templates: ['viewers'],
  },
  'ci.yaml': {
    about: `# Lets a CI job wait for the versions of one namespace (cvmanager cv wait) and ask for a poll (cvmanager cv reconcile), and
# nothing else. Apply it in each namespace that CI waits for:
#   sed 's|namespace: shop|namespace: blog|' deploy/ci.yaml | kubectl apply -f -
# The patch sets the annotation cvmanager.io/reconcile. RBAC knows no smaller right than to patch the whole ContainerVersion:
# leave it out for a job that may not, and it waits for the regular poll.`,
    templates: ['ci'],
  },
}

export const deployFileNames = Object.keys(files)

/** What the grants of single names are rendered with. */
const values = [
  'image.repository=registry.example.com/cvmanager',
  'rbac.pullSecrets[0].namespace=shop,rbac.pullSecrets[0].names={regcred}',
  'rbac.serviceAccountTokens[0].namespace=shop,rbac.serviceAccountTokens[0].names={registry-reader}',
  'rbac.ci[0].namespace=shop,rbac.ci[0].name=ci',
]

/** Undefined where there is no helm: `make tools` builds it, and it is not needed to build cvmanager. */
export function deployFile(name: string): string | undefined {
  documents ??= render()
  const { about, templates } = files[name] ?? { about: '', templates: [] }
  const objects = templates.flatMap((template) => documents?.get(template) ?? []).join('---\n')
  return documents && `# Rendered by \`make generate\` from charts/cvmanager; do not edit.\n${about}\n${objects}`
}

const chart = join(import.meta.dirname, '../charts/cvmanager')

let documents: ReadonlyMap<string, readonly string[]> | undefined

/** The objects of each template. Helm renders them all in the time that it takes for one. */
function render(): ReadonlyMap<string, readonly string[]> | undefined {
  const helm = locate('helm')?.path
  if (helm === undefined) return undefined
  const set = values.flatMap((value) => ['--set', value])
  const output = execFileSync(helm, ['template', 'cvmanager', chart, '--namespace', 'cvmanager', ...set], {
    encoding: 'utf8',
    // The settings and the cluster of a developer must not change what is rendered.
    env: { HOME: chart, KUBECONFIG: '/dev/null' },
  })
  const found = new Map<string, string[]>()
  for (const document of output.split(/^---\n/m)) {
    const [, template = ''] = /^# Source: cvmanager\/templates\/(.+)\.yaml$/m.exec(document) ?? []
    found.set(template, [...(found.get(template) ?? []), plain(document)])
  }
  return found
}

/** What is there for Helm alone: where a template comes from, and the labels of a release. */
const ofHelm = /^# Source: .*\n| +(?:helm\.sh|app\.kubernetes\.io)\/.*\n/gm
const emptyLabels = /^( +)labels:\n(?!\1 )/gm

const plain = (document: string): string => `${document.replaceAll(ofHelm, '').replaceAll(emptyLabels, '').trim()}\n`

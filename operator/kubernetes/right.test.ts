import { test } from 'tap'
import { ApiError } from './api-error.ts'

/** The error of a request that the API server refuses with this message. */
function refused(path: string, message: string): ApiError {
  const status = { kind: 'Status', reason: 'Forbidden', code: 403, message }
  return ApiError.fromAnswer({ method: 'GET', path }, 403, JSON.stringify(status))
}

const own = 'system:serviceaccount:cvmanager:cvmanager'
const inShop = 'in the namespace "shop"'
const cannot = (who: string, what: string, where: string, group = '') =>
  `x is forbidden: User "${who}" cannot ${what} in API group "${group}" ${where}`

const cases: readonly { readonly path: string; readonly message: string; readonly says: string }[] = [
  {
    path: '/apis/apps/v1/deployments',
    message: cannot(own, 'list resource "deployments"', 'at the cluster scope', 'apps'),
    says: 'the service account cvmanager:cvmanager may not list deployments in all namespaces: apply deploy/rbac.yaml, or upgrade the chart',
  },
  {
    path: '/apis/apps/v1/deployments',
    message: `${cannot(own, 'list resource "deployments"', 'at the cluster scope', 'apps')}: RBAC: clusterrole.rbac.authorization.k8s.io "cvmanager" not found`,
    says: 'the service account cvmanager:cvmanager may not list deployments in all namespaces: apply deploy/rbac.yaml, or upgrade the chart (RBAC: clusterrole.rbac.authorization.k8s.io "cvmanager" not found)',
  },
  {
    path: '/apis/cvmanager.io/v1/namespaces/shop/containerversions/web/status',
    message: cannot(own, 'update resource "containerversions/status"', inShop, 'cvmanager.io'),
    says: 'the service account cvmanager:cvmanager may not update containerversions/status "web" in namespace shop: apply deploy/rbac.yaml, or its rules as a Role of this namespace, or upgrade the chart',
  },
  {
    path: '/api/v1/namespaces/shop/events',
    message: cannot('system:serviceaccount:ops:cd', 'create resource "events"', inShop),
    says: 'the service account ops:cd may not create events in namespace shop: apply deploy/rbac.yaml with the service account ops:cd as the subject, or its rules as a Role of this namespace, or upgrade the chart',
  },
  {
    path: '/apis/apps/v1/daemonsets',
    message: cannot('jane@example.com', 'list resource "daemonsets"', 'at the cluster scope', 'apps'),
    says: 'the user jane@example.com may not list daemonsets in all namespaces: apply deploy/rbac.yaml with the user jane@example.com as the subject, or name a namespace (--namespace, --watch-namespace)',
  },
  {
    path: '/apis/apps/v1/daemonsets',
    message: cannot('system:anonymous', 'list resource "daemonsets"', 'at the cluster scope', 'apps'),
    says: 'a request without credentials may not list daemonsets in all namespaces: write credentials into the kubeconfig, or name another with --k8s-config',
  },
  {
    path: '/api/v1/namespaces/shop/secrets/regcred',
    message: cannot(own, 'get resource "secrets"', inShop),
    says: 'the service account cvmanager:cvmanager may not read the pull secret shop/regcred: apply deploy/pull-secrets.yaml with namespace shop and resourceNames [regcred], or set rbac.pullSecrets of the chart',
  },
  {
    path: '/api/v1/namespaces/shop/serviceaccounts/reader/token',
    message: cannot('system:serviceaccount:ops:cd', 'create resource "serviceaccounts/token"', inShop),
    says: 'the service account ops:cd may not request tokens of the service account shop/reader: apply deploy/service-account-tokens.yaml with namespace shop and resourceNames [reader], and the service account ops:cd as the subject, or set rbac.serviceAccountTokens of the chart',
  },
]

for (const { path, message, says } of cases) {
  test(`a refusal says who may not do what, and which file grants it: ${says.slice(0, 80)}…`, async (t) => {
    const error = refused(path, message)
    t.equal(error.message, says)
    t.ok(error.right)
    t.notMatch(error.message, /secrets in namespace|all secrets/, 'never the right to all secrets')
  })
}

test('what no right would change keeps the words of the API server', async (t) => {
  for (const message of [
    'admission webhook "policy.example.com" denied the request: not on a Thursday',
    'pods "web-1" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=4, limited: cpu=4',
    'events "web.1" is forbidden: unable to create new content in namespace shop because it is being terminated',
  ]) {
    const error = refused('/api/v1/namespaces/shop/pods', message)
    t.equal(error.message, `GET /api/v1/namespaces/shop/pods: ${message}`)
    t.equal(error.right, undefined)
  }
})

test('only an API server that does not know the resource lacks the CustomResourceDefinition', async (t) => {
  const path = '/apis/cvmanager.io/v1/containerversions'
  const message = (text: string) => ApiError.fromAnswer({ method: 'GET', path }, 404, text).message
  t.match(message('404 page not found\n'), /containerversions\.cvmanager\.io is not installed.*kubectl apply -f crds\//)
  t.match(message('<html>nginx'), /answered 404 without a reason/)
})

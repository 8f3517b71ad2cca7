/** A right that the API server has refused, and what to apply so that it is there. */

/** In the API server's own names. */
export interface Right {
  /** `system:serviceaccount:cvmanager:cvmanager`, `jane`, `system:anonymous`. */
  readonly who: string
  readonly verb: string
  readonly group: string
  /** With the subresource: `containerversions/status`. */
  readonly resource: string
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  /** What the authorizer says beside: `RBAC: clusterrole.rbac.authorization.k8s.io "cvmanager" not found`. */
  readonly because?: string | undefined
}

/** In any answer of 403 that no admission has given (k8s.io/apiserver, responsewriters/errors.go, `forbiddenMessage`). */
const refusal =
  /User "(?<who>(?:[^"\\]|\\.)*)" cannot (?<verb>\w+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)" (?:at the cluster scope|in the namespace "(?<namespace>[^"]+)")(?:: (?<because>.+))?$/s

/** Undefined if the message is about something else than a right to a resource: an admission, a quota, a namespace that ends. */
export function refusedRight(message: string, name: string | undefined): Right | undefined {
  const { who, verb, group, resource, namespace, because } = refusal.exec(message)?.groups ?? {}
  if (who === undefined || verb === undefined || group === undefined || resource === undefined) return undefined
  return { who, verb, group, resource, namespace, name, because }
}

/** What grants a right: a file of `deploy/`, and what whoever uses the chart does instead. */
interface Grant {
  readonly file: string
  readonly chart: string
}

const allRights: Grant = { file: 'deploy/rbac.yaml', chart: 'upgrade the chart' }
const pullSecrets: Grant = { file: 'deploy/pull-secrets.yaml', chart: 'set rbac.pullSecrets of the chart' }
const serviceAccountTokens: Grant = {
  file: 'deploy/service-account-tokens.yaml',
  chart: 'set rbac.serviceAccountTokens of the chart',
}

/** Tenants grant the others, each for one name of their namespace. */
function grantOf({ resource, name }: Right): Grant {
  if (name === undefined) return allRights
  if (resource === 'secrets') return pullSecrets
  return resource === 'serviceaccounts/token' ? serviceAccountTokens : allRights
}

/** Whether cvmanager needs it wherever it works, and not only for one object of a tenant. */
export const isGeneral = (right: Right): boolean => grantOf(right) === allRights

/** Who may not do what and where, and what to apply: `the service account a:b may not list pods in namespace shop: apply …`. */
export function inWords(right: Right): string {
  const beside = right.because === undefined ? '' : ` (${right.because.trim()})`
  return `${refusedInWords(right)}: ${remedyOf(right)}${beside}`
}

export const refusedInWords = (right: Right): string => `${accountInWords(right.who)} may not ${actionOf(right)}`

export const grantedInWords = (right: Right): string => `${accountInWords(right.who)} may ${actionOf(right)} now`

const serviceAccount = /^system:serviceaccount:(?<account>[^:]+:[^:]+)$/
const anonymous = 'system:anonymous'
/** The account of all files of `deploy/`. */
const ownAccount = 'system:serviceaccount:cvmanager:cvmanager'

function accountInWords(who: string): string {
  const account = serviceAccount.exec(who)?.groups?.account
  if (account !== undefined) return `the service account ${account}`
  return who === anonymous ? 'a request without credentials' : `the user ${who}`
}

function actionOf(right: Right): string {
  const { verb, resource, namespace, name } = right
  const grant = grantOf(right)
  if (grant === pullSecrets) return `read the pull secret ${namespace}/${name}`
  if (grant === serviceAccountTokens) return `request tokens of the service account ${namespace}/${name}`
  const which = name === undefined ? resource : `${resource} "${name}"`
  return `${verb} ${which} ${namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`}`
}

function remedyOf(right: Right): string {
  const { who, resource, namespace, name } = right
  if (who === anonymous) return 'write credentials into the kubeconfig, or name another with --k8s-config'
  const { file, chart } = grantOf(right)
  // The chart's account is a service account, and not a person.
  const orChart = serviceAccount.test(who) ? `, or ${chart}` : ''
  const subject = who === ownAccount ? '' : `, and ${accountInWords(who)} as the subject`
  if (!isGeneral(right))
    return `apply ${file} with namespace ${namespace} and resourceNames [${name}]${subject}${orChart}`
  const applied = who === ownAccount ? `apply ${file}` : `apply ${file} with ${accountInWords(who)} as the subject`
  if (resource === 'leases' && namespace !== 'cvmanager')
    return `create namespace ${namespace} if it is not there, and apply the Role cvmanager-leader and its RoleBinding of ${file} in it, or name another namespace with --lease-namespace${orChart}`
  if (resource === 'leases') return `${applied}, or name another namespace with --lease-namespace${orChart}`
  if (namespace !== undefined) return `${applied}, or its rules as a Role of this namespace${orChart}`
  return `${applied}${orChart || ', or name a namespace (--namespace, --watch-namespace)'}`
}

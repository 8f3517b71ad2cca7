/**
 * Every setting of cvmanager: its default, the values that it allows, and its purpose. The flag, the environment variable
 * and the key in the ConfigMap derive from its name. `make generate` writes docs/settings.md from this file.
 */
import { isIP } from 'node:net'
import { type Group, list, oneOf, type Setting, text, wholeNumber, yesOrNo } from './formats.ts'
import { webhookKinds } from './webhook-kinds.ts'

// A namespace is an RFC 1123 label of at most 63 characters (B43).
const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const path = /^[^\0]+$/
const host = '([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9a-fA-F:]+\\])(:[0-9]{1,5})?'
const authPair = new RegExp(`^${host}=${host}$`)
const mirrorPair = new RegExp(`^${host}=${host}(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
const providerPair = new RegExp(`^${host}=(harbor|quay)$`)
const workloadIdentity =
  /^(?:(?:\/\/iam\.googleapis\.com\/)?projects\/[0-9]+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+|projects\/[a-z][a-z0-9.:-]*\/locations\/[a-z0-9-]+\/clusters\/[a-z0-9-]+)$/
const quantity = /^[0-9]+(\.[0-9]+)?([munkKMGTPE]|[KMGTPE]i)?$/
const registryHost = new RegExp(`^${host}$`)
const endpointPair = /^[a-z]+(\.[-a-z0-9]+)?=https?:\/\/[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?\/?$/
const queueUrl = /^https?:\/\/[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?\/[-A-Za-z0-9_./]{1,200}$/

export const schema = {
  k8sConfig: text('', path, 'the path of a kubeconfig file', {
    doc: 'The kubeconfig file of the cluster. Without it and outside a pod, cvmanager reads the files that kubectl reads, and joins several files of $KUBECONFIG as kubectl does.',
    meaning: 'in a pod, its service account; elsewhere $KUBECONFIG, or ~/.kube/config',
    group: 'cluster',
    alias: 'kubeconfig',
    placeholder: 'FILE',
    configMap: false,
  }),
  k8sContext: text('', path, 'the name of a context', {
    doc: 'The context of the kubeconfig to use. In a pod, it makes cvmanager read a kubeconfig instead of the service account.',
    meaning: 'the current context',
    group: 'cluster',
    flag: 'context',
    placeholder: 'NAME',
    configMap: false,
  }),
  watchNamespaces: list(new RegExp(`^${label}$`), 'the name of a namespace', {
    doc: 'The namespaces to watch. All namespaces need a ClusterRole.',
    meaning: 'all namespaces',
    group: 'manager',
    flag: 'watch-namespace',
    placeholder: 'NS',
  }),
  configmapKey: text('kube-system/cvmanager', new RegExp(`^${label}/${subdomain}$`), 'NAMESPACE/NAME of a ConfigMap', {
    doc: 'The ConfigMap with settings of the manager, one setting per key. It is read once, at start. If you name it, it must exist; the default is only read if it exists.',
    group: 'manager',
    placeholder: 'NS/NAME',
    configMap: false,
  }),
  port: wholeNumber(8081, 0, 65535, {
    doc: 'The port of the HTTP server for /alive, /ready, /version and /metrics. It is also that of /v1/cv/workloads (docs/http-api.md). 0 chooses a free port and logs it.',
    group: 'manager',
    placeholder: 'PORT',
  }),
  anonymousReads: yesOrNo(false, {
    doc: 'Let anyone who reaches the port read /v1/cv/workloads, in all namespaces. Otherwise a request needs a token of the cluster, and shows what its account may list; see docs/http-api.md.',
    group: 'manager',
  }),
  leaderElection: yesOrNo(true, {
    doc: 'With several replicas, only the holder of the Lease acts. If this is off, run exactly one replica.',
    off: 'Act without a Lease, as the only replica',
    group: 'manager',
  }),
  leaseName: text('cvmanager', new RegExp(`^${subdomain}$`), 'a name as Kubernetes allows it', {
    doc: 'The name of the Lease for leader election.',
    group: 'manager',
    placeholder: 'NAME',
  }),
  leaseNamespace: text('cvmanager', new RegExp(`^${label}$`), 'the name of a namespace', {
    doc: 'The namespace of the Lease, wherever cvmanager runs: a pod and a kubeconfig of any context use the same Lease. The namespace must exist, and cvmanager needs the right to create, get and update Leases in it.',
    group: 'manager',
    placeholder: 'NS',
  }),
  workers: wholeNumber(8, 1, 256, {
    doc: 'How many ContainerVersions are reconciled at the same time. One ContainerVersion is never reconciled twice at once.',
    group: 'manager',
  }),
  shutdownSeconds: wholeNumber(3, 1, 300, {
    doc: 'How long work in progress may take to finish after SIGTERM or SIGINT. A second signal ends the process at once.',
    group: 'manager',
    placeholder: 'SECONDS',
  }),
  version: text('', path, 'a version', {
    doc: 'The version of cvmanager that the cluster runs, as the ContainerVersion of cvmanager itself writes it there (spec.config). With autoUpdateCVM, the chart has that ContainerVersion. cvmanager logs it at the start.',
    group: 'manager',
    configMap: 'only',
  }),
  history: yesOrNo(false, {
    doc: 'Record each rollout in the ConfigMap <workload>.history, even if spec.history does not ask for it.',
    group: 'rollout',
  }),
  rollback: yesOrNo(true, {
    doc: 'Restore the previous images after a failed rollout, if spec.rollback does not say whether to.',
    off: 'Leave a version that failed in place, if spec.rollback does not say otherwise',
    group: 'rollout',
  }),
  httpCheckHosts: list(registryHost, 'HOST or HOST:PORT', {
    doc: 'Hosts that checks of kind HTTP may request by http.url. All others may not: whoever writes a ContainerVersion could otherwise find out what listens where cvmanager can connect to. Services of their own namespace need no setting.',
    meaning: 'no host',
    group: 'rollout',
    flag: 'http-check-host',
    placeholder: 'HOST',
  }),
  checkCpuLimit: text('500m', quantity, 'a quantity of Kubernetes, such as 500m or 1', {
    doc: 'The CPU limit of the pod of a check whose container has no limits of its own.',
    group: 'rollout',
    placeholder: 'QUANTITY',
  }),
  checkMemoryLimit: text('256Mi', quantity, 'a quantity of Kubernetes, such as 256Mi or 1Gi', {
    doc: 'The memory limit of the pod of a check whose container has no limits of its own.',
    group: 'rollout',
    placeholder: 'QUANTITY',
  }),
  pollIntervalSeconds: wholeNumber(60, 5, 86_400, {
    doc: 'How often to poll the registry for a tag whose ContainerVersion does not set spec.pollIntervalSeconds.',
    group: 'rollout',
    placeholder: 'SECONDS',
  }),
  dockerConfig: text('', path, 'the path of a Docker config file', {
    doc: 'A Docker config file (config.json) with credentials for registries that no pull secret covers. Without it, the commands of cvmanager cr read the file of docker login, if there is one.',
    group: 'registry',
    placeholder: 'FILE',
  }),
  insecureRegistries: list(registryHost, 'HOST or HOST:PORT of a registry', {
    doc: 'Registries that use plain HTTP. All other registries use HTTPS only. A registry that is written here with a loopback address, such as localhost:5000, may be reached there.',
    group: 'registry',
    flag: 'insecure-registry',
    placeholder: 'HOST',
  }),
  registryCaFile: text('', path, 'the path of a PEM file', {
    doc: 'A PEM file with certificate authorities to trust for registries, in addition to the usual ones.',
    group: 'registry',
    placeholder: 'FILE',
  }),
  mirrors: list(mirrorPair, 'HOST=MIRROR[/PATH]', {
    doc: 'Registries to read through a mirror. If the mirror is unavailable or does not have an image, the registry itself is used. Images keep the name of the registry.',
    group: 'registry',
    flag: 'mirror',
    placeholder: 'HOST=MIRROR',
  }),
  registryProviders: list(providerPair, 'HOST=harbor or HOST=quay', {
    doc: 'The kind of a self-hosted registry, which its host does not reveal. The APIs of Harbor and Quay list all tags of an image in one request; without this setting, only the standard API is used.',
    group: 'registry',
    flag: 'registry-provider',
    placeholder: 'HOST=PROVIDER',
  }),
  loopbackRegistries: list(registryHost, 'HOST or HOST:PORT of a registry', {
    doc: 'Registries that may be at a loopback address of the machine that cvmanager runs on, with HTTPS. All others may not: whoever writes a ContainerVersion could otherwise find out what listens there.',
    group: 'registry',
    flag: 'loopback-registry',
    placeholder: 'HOST',
  }),
  authHosts: list(authPair, 'REGISTRY=HOST', {
    doc: 'Token services on a different site than their registry. Tokens are never requested from any other site, whatever the registry says.',
    group: 'registry',
    flag: 'auth-host',
    placeholder: 'REGISTRY=HOST',
  }),
  cloudIdentity: yesOrNo(true, {
    doc: 'If there are no other credentials, use the identity that the cloud gives to this process for the registries of Google and Azure.',
    off: 'Never use an identity that the cloud gives to this process',
    group: 'registry',
  }),
  googleWorkloadIdentity: text(
    '',
    workloadIdentity,
    'projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, or projects/PROJECT/locations/LOCATION/clusters/NAME of a GKE cluster',
    {
      doc: 'The provider of the Google workload identity pool that trusts this cluster, for spec.serviceAccountName.',
      meaning: 'on GKE, what the metadata server tells',
      group: 'registry',
      placeholder: 'PROVIDER',
    },
  ),
  awsProfile: text('', /^[A-Za-z0-9][-A-Za-z0-9_.@/+]{0,127}$/, 'the name of a profile', {
    doc: 'The profile of the shared AWS configuration files to use for ECR.',
    meaning: 'the credentials that the AWS SDK finds by itself',
    group: 'registry',
    placeholder: 'NAME',
  }),
  awsRoleArn: text('', /^arn:aws[-a-z]*:iam::[0-9]{12}:role\/[-A-Za-z0-9_+=,.@/]{1,512}$/, 'the ARN of an IAM role', {
    doc: 'The IAM role to assume for ECR.',
    group: 'registry',
    placeholder: 'ARN',
  }),
  awsExternalId: text('', /^[-A-Za-z0-9_+=,.@:/]{2,1224}$/, 'an external id, as IAM allows it', {
    doc: 'The external ID that the trust policy of the IAM role requires.',
    group: 'registry',
    placeholder: 'ID',
  }),
  awsWebIdentityTokenFile: text('', path, 'the path of a file', {
    doc: 'A file with the OIDC token for assuming the IAM role. On EKS, the environment already names it.',
    group: 'registry',
    placeholder: 'FILE',
  }),
  registryEndpoints: list(endpointPair, 'NAME=URL', {
    doc: 'Endpoints to use instead of the public ones, such as VPC endpoints: ecr for the ECR API in all regions, ecr.REGION for one region, sts for the AWS token service.',
    group: 'registry',
    flag: 'registry-endpoint',
    placeholder: 'NAME=URL',
  }),
  registryRequestsPerSecond: wholeNumber(0, 0, 10_000, {
    doc: 'The maximum number of requests per second to one registry, in the long run. The default lets a restart poll all tags within seconds. Urgent requests, for a webhook or a command, do not wait for it. If polls begin more than their interval late, cvmanager logs a warning and counts them in cvmanager_registry_missed_polls_total.',
    meaning: '200, or an eighth of the followed tags where that is more',
    group: 'registry',
  }),
  registryBurst: wholeNumber(1000, 1, 10_000, {
    doc: 'How many requests one registry may get at once before that limit applies.',
    group: 'registry',
  }),
  webhookPort: wholeNumber(0, 0, 65535, {
    doc: 'The port for webhooks of registries, at /v1/hooks/<kind>; see docs/push.md.',
    meaning: 'no port is opened',
    group: 'push',
    placeholder: 'PORT',
  }),
  webhookSecretsDir: text('', path, 'the path of a folder', {
    doc: 'The folder with one secret file per kind of webhook, named after the kind; usually a mounted Secret. A kind without a secret is not accepted.',
    group: 'push',
    placeholder: 'DIR',
  }),
  webhooks: list(
    new RegExp(`^(?:${webhookKinds.join('|')})$`),
    `a kind of webhook: ${webhookKinds.slice(0, -1).join(', ')} or ${webhookKinds.at(-1)}`,
    {
      doc: 'The kinds of webhook to accept; each needs its secret file.',
      meaning: 'all kinds that have a secret file',
      group: 'push',
      flag: 'webhook',
      placeholder: 'KIND',
    },
  ),
  podIp: text('', { test: (address) => isIP(address) !== 0 }, 'an IP address', {
    doc: 'The address at which other replicas reach this one: the IP of its pod, from the downward API. The leader writes it to the Lease, with the port for webhooks, and the other replicas forward webhooks to it.',
    meaning: 'webhooks are not forwarded',
    group: 'push',
    placeholder: 'IP',
    configMap: false,
  }),
  ecrEventsQueue: text('', queueUrl, 'the URL of an SQS queue', {
    doc: 'The SQS queue that EventBridge sends ECR events to. It is read with the same AWS identity as ECR.',
    group: 'push',
    placeholder: 'URL',
  }),
  statsProvider: oneOf('none', ['none', 'datadog', 'statsd'], {
    doc: 'Also send statsd, under the names of the first cvmanager: with tags, service checks and events (datadog), or counters alone (statsd). docs/migration.md lists the names. Prometheus does not need it.',
    group: 'stats',
    placeholder: 'NAME',
  }),
  statsHost: text('', registryHost, 'HOST or HOST:PORT', {
    doc: 'The host that receives statsd over UDP. The port is 8125 unless you name another.',
    meaning: '$STATS_HOST, or localhost',
    group: 'stats',
    placeholder: 'HOST',
  }),
  logLevel: oneOf('info', ['trace', 'debug', 'info', 'warn', 'error'], {
    doc: 'The lowest level to log. The log goes to standard error.',
    group: 'log',
    placeholder: 'LEVEL',
  }),
  logFormat: oneOf('auto', ['auto', 'json', 'pretty'], {
    doc: 'One JSON object per line (json), or lines for people (pretty); auto uses pretty on a terminal and for cr sync --once, and json otherwise.',
    group: 'log',
    placeholder: 'FORMAT',
  }),
} as const satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof schema
export const settingKeys = Object.keys(schema) as readonly SettingKey[]

/** All settings of a process, validated. */
export type Settings = { readonly [K in SettingKey]: (typeof schema)[K]['default'] }

/** A setting without the type of its value, for lists of settings. */
export const settingOf = (key: SettingKey): Setting<unknown> => schema[key]

/** The settings with a flag and an environment variable. */
export const flagKeys = settingKeys.filter((key) => settingOf(key).configMap !== 'only')

/** The settings of a group, those that matter most first. */
export const settingsIn = (group: Group): readonly SettingKey[] =>
  settingKeys.filter((key) => settingOf(key).group === group)

/** The value that applies if no source has the setting; undefined: none. */
export function defaultOf(key: SettingKey): string | undefined {
  const { default: value } = settingOf(key)
  return value === '' || Array.isArray(value) ? undefined : String(value)
}

const words = (key: string): readonly string[] => key.split(/(?=[A-Z])/).map((word) => word.toLowerCase())

export const flagOf = (key: SettingKey): string => settingOf(key).flag ?? words(key).join('-')
export const variableOf = (key: SettingKey): string => `CVMANAGER_${words(key).join('_').toUpperCase()}`

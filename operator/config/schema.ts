/**
 * Every setting of cvmanager, once: its default, what it allows, what it is for. The flag, the environment variable and
 * the key in the ConfigMap are made of its name; docs/settings.md is made of all of it.
 */
import { list, oneOf, type Setting, text, wholeNumber, yesOrNo } from './formats.ts'
import { webhookKinds } from './webhook-kinds.ts'

// RFC 1123 label, as Kubernetes wants namespaces; 63 characters (B43).
const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const path = /^[^\0]+$/
const host = '([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9a-fA-F:]+\\])(:[0-9]{1,5})?'
const authPair = new RegExp(`^${host}=${host}$`)
const mirrorPair = new RegExp(`^${host}=${host}(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
const providerPair = new RegExp(`^${host}=(harbor|quay)$`)
const workloadIdentity =
  /^(?:(?:\/\/iam\.googleapis\.com\/)?projects\/[0-9]+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+|projects\/[a-z][a-z0-9.:-]*\/locations\/[a-z0-9-]+\/clusters\/[a-z0-9-]+)$/
const registryHost = /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$/

const endpointPair = /^[a-z]+(\.[-a-z0-9]+)?=https?:\/\/[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?\/?$/
const queueUrl = /^https?:\/\/[A-Za-z0-9][-A-Za-z0-9.]*(:[0-9]{1,5})?\/[-A-Za-z0-9_./]{1,200}$/

export const schema = {
  k8sConfig: text('', path, 'the path of a kubeconfig file', {
    doc: 'The kubeconfig file that says which cluster to use. Without it, the account of the pod that cvmanager runs in.',
    group: 'cluster',
    placeholder: 'FILE',
    configMap: false,
  }),
  configmapKey: text('', new RegExp(`^${label}/${subdomain}$`), 'NAMESPACE/NAME of a ConfigMap', {
    doc: 'The ConfigMap that holds settings of the manager, one setting for each key. Read once, at the start.',
    group: 'manager',
    placeholder: 'NS/NAME',
    configMap: false,
  }),
  port: wholeNumber(8081, 0, 65535, {
    doc: 'The port of the HTTP server: /alive, /ready, /version and /metrics. 0 takes any free one and logs which.',
    group: 'manager',
    placeholder: 'PORT',
  }),
  watchNamespaces: list(new RegExp(`^${label}$`), 'the name of a namespace', {
    doc: 'Looks only at these namespaces. Empty: at all of them, which needs a ClusterRole.',
    group: 'manager',
    flag: 'watch-namespace',
    placeholder: 'NS',
  }),
  workers: wholeNumber(8, 1, 256, {
    doc: 'How many ContainerVersions are worked on at the same time; never one of them twice.',
    group: 'manager',
  }),
  leaderElection: yesOrNo(true, {
    doc: 'Of several replicas, only the holder of the Lease acts. Where it is off, run exactly one.',
    off: 'Acts without holding a Lease; run exactly one replica then.',
    group: 'manager',
  }),
  leaseName: text('cvmanager', new RegExp(`^${subdomain}$`), 'a name as Kubernetes allows it', {
    doc: 'The name of the Lease for leader election.',
    group: 'manager',
    placeholder: 'NAME',
  }),
  leaseNamespace: text('', new RegExp(`^${label}$`), 'the name of a namespace', {
    doc: 'The namespace of the Lease. Empty: that of the pod, or of the kubeconfig’s context.',
    group: 'manager',
    placeholder: 'NS',
  }),
  shutdownSeconds: wholeNumber(3, 1, 300, {
    doc: 'How long to finish what is under way after SIGTERM or SIGINT. A second signal ends at once.',
    group: 'manager',
    placeholder: 'SECONDS',
  }),
  history: yesOrNo(false, {
    doc: 'Keeps a record of each rollout in the ConfigMap <workload>.history, also where spec.history does not ask for it.',
    group: 'rollout',
  }),
  pollIntervalSeconds: wholeNumber(60, 5, 86_400, {
    doc: 'How often the registry is asked about a tag whose ContainerVersion has no pollIntervalSeconds of its own.',
    group: 'rollout',
    placeholder: 'SECONDS',
  }),
  registryRequestsPerSecond: wholeNumber(200, 1, 10_000, {
    doc: 'The most requests per second to any one registry, in the long run.',
    group: 'registry',
  }),
  registryBurst: wholeNumber(1000, 1, 10_000, {
    doc: 'How many requests may go to one registry at once before that limit holds.',
    group: 'registry',
  }),
  insecureRegistries: list(registryHost, 'HOST or HOST:PORT of a registry', {
    doc: 'Registries that are spoken to by plain HTTP, loopback included. All others by HTTPS alone.',
    group: 'registry',
    flag: 'insecure-registry',
    placeholder: 'HOST',
  }),
  dockerConfig: text('', path, 'the path of a Docker config file', {
    doc: 'A Docker config file (config.json) with credentials for registries that no pull secret has credentials for.',
    group: 'registry',
    placeholder: 'FILE',
  }),
  registryCaFile: text('', path, 'the path of a PEM file', {
    doc: 'Certificate authorities in PEM that registries may be signed by, beside the usual ones.',
    group: 'registry',
    placeholder: 'FILE',
  }),
  mirrors: list(mirrorPair, 'HOST=MIRROR[/PATH]', {
    doc: 'Registries that are read by way of a mirror; the registry itself is asked where the mirror is away or does not have it. Images keep the registry’s name.',
    group: 'registry',
    flag: 'mirror',
    placeholder: 'HOST=MIRROR',
  }),
  registryProviders: list(providerPair, 'HOST=harbor or HOST=quay', {
    doc: 'What a registry of one’s own is, which its host does not say. Harbor’s and Quay’s own APIs tell all tags of an image at once; without this they are asked as any registry.',
    group: 'registry',
    flag: 'registry-provider',
    placeholder: 'HOST=PROVIDER',
  }),
  authHosts: list(authPair, 'REGISTRY=HOST', {
    doc: 'Token services on another site than their registry. Tokens are asked for at no other site, whatever a registry says.',
    group: 'registry',
    flag: 'auth-host',
    placeholder: 'REGISTRY=HOST',
  }),
  cloudIdentity: yesOrNo(true, {
    doc: 'Where there are no other credentials, registries of Google and Azure are asked with the identity that their cloud gives to this process.',
    off: 'Never asks the cloud for an identity of this process.',
    group: 'registry',
  }),
  googleWorkloadIdentity: text(
    '',
    workloadIdentity,
    'projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, or projects/PROJECT/locations/LOCATION/clusters/NAME of a cluster of GKE’s',
    {
      doc: 'The provider of a workload identity pool of Google’s that trusts this cluster, for spec.serviceAccountName. Empty: on GKE, what its metadata server says.',
      group: 'registry',
      placeholder: 'PROVIDER',
    },
  ),
  awsProfile: text('', /^[A-Za-z0-9][-A-Za-z0-9_.@/+]{0,127}$/, 'the name of a profile', {
    doc: 'The profile of AWS’s shared configuration files with which ECR is asked. Empty: what the AWS SDK finds by itself (environment, service account, machine).',
    group: 'registry',
    placeholder: 'NAME',
  }),
  awsRoleArn: text('', /^arn:aws[-a-z]*:iam::[0-9]{12}:role\/[-A-Za-z0-9_+=,.@/]{1,512}$/, 'the ARN of an IAM role', {
    doc: 'An IAM role that is assumed for asking ECR, with the credentials that are found otherwise.',
    group: 'registry',
    placeholder: 'ARN',
  }),
  awsExternalId: text('', /^[-A-Za-z0-9_+=,.@:/]{2,1224}$/, 'an external id, as IAM allows it', {
    doc: 'The external id that the trust policy of awsRoleArn asks for.',
    group: 'registry',
    placeholder: 'ID',
  }),
  awsWebIdentityTokenFile: text('', path, 'the path of a file', {
    doc: 'A file with an OIDC token, with which awsRoleArn is assumed. On EKS the environment says it already.',
    group: 'registry',
    placeholder: 'FILE',
  }),
  registryEndpoints: list(endpointPair, 'NAME=URL', {
    doc: 'Addresses that are used instead of the public ones: ecr for ECR’s API in all regions, ecr.REGION for one of them, sts for AWS’s token service; VPC endpoints, for example.',
    group: 'registry',
    flag: 'registry-endpoint',
    placeholder: 'NAME=URL',
  }),
  webhookPort: wholeNumber(0, 0, 65535, {
    doc: 'The port on which registries may tell of pushes, at /v1/hooks/<kind>; docs/push.md says how. 0: none is opened.',
    group: 'push',
    placeholder: 'PORT',
  }),
  webhookSecretsDir: text('', path, 'the path of a folder', {
    doc: 'The folder with a secret file for each kind of webhook, named after it, such as a Secret that is mounted. Without a secret, a kind is not received.',
    group: 'push',
    placeholder: 'DIR',
  }),
  webhooks: list(
    new RegExp(`^(?:${webhookKinds.join('|')})$`),
    `a kind of webhook: ${webhookKinds.slice(0, -1).join(', ')} or ${webhookKinds.at(-1)}`,
    {
      doc: 'The kinds of webhook to receive; each must have its secret file. Empty: all that have one.',
      group: 'push',
      flag: 'webhook',
      placeholder: 'KIND',
    },
  ),
  podIp: text('', /^[0-9A-Fa-f.:]{2,45}$/, 'an IP address', {
    doc: 'Where the other replicas reach this one: the address of its pod, from the downward API. The replica that follows tags writes it, with the port of the webhooks, into the Lease, and the others hand their webhooks on to it. Empty: they are not handed on.',
    group: 'push',
    placeholder: 'IP',
    configMap: false,
  }),
  ecrEventsQueue: text('', queueUrl, 'the URL of an SQS queue', {
    doc: 'The SQS queue that EventBridge puts ECR’s events into. It is read with the AWS identity that ECR is asked with.',
    group: 'push',
    placeholder: 'URL',
  }),
  pushPollFactor: wholeNumber(10, 1, 1000, {
    doc: 'How many times less often a tag is polled while push works for it, and yet at least once an hour. 1: never less often.',
    group: 'push',
  }),
  logLevel: oneOf('info', ['trace', 'debug', 'info', 'warn', 'error'], {
    doc: 'The least important level that is logged. Logs go to standard error.',
    group: 'log',
    placeholder: 'LEVEL',
  }),
  logFormat: oneOf('auto', ['auto', 'json', 'pretty'], {
    doc: 'One JSON object a line, or lines for people. auto: for people on a terminal, JSON otherwise.',
    group: 'log',
    placeholder: 'FORMAT',
  }),
} as const satisfies Record<string, Setting<unknown>>

export type SettingKey = keyof typeof schema
export const settingKeys = Object.keys(schema) as readonly SettingKey[]

/** The settings of a process, complete and checked. */
export type Settings = { readonly [K in SettingKey]: (typeof schema)[K]['default'] }

/** One setting without its type of value, for those who list them all. */
export const settingOf = (key: SettingKey): Setting<unknown> => schema[key]

const words = (key: string): readonly string[] => key.split(/(?=[A-Z])/).map((word) => word.toLowerCase())

export const flagOf = (key: SettingKey): string => settingOf(key).flag ?? words(key).join('-')
export const variableOf = (key: SettingKey): string => `CVMANAGER_${words(key).join('_').toUpperCase()}`

/**
 * Every setting of cvmanager, once: its default, what it allows, what it is for. The flag, the environment variable and
 * the key in the ConfigMap are made of its name; docs/settings.md is made of all of it.
 */
import { list, oneOf, type Setting, text, wholeNumber, yesOrNo } from './formats.ts'

// RFC 1123 label, as Kubernetes wants namespaces; 63 characters (B43).
const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const path = /^[^\0]+$/
const registryHost = /^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$/

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

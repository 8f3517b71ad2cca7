/** charts/cvmanager/values.schema.json: which values the chart takes. Helm refuses all others before it changes anything. */
import { type TProperties, Type } from '@sinclair/typebox'
import { type SettingKey, settingKeys, settingOf } from '../operator/config/schema.ts'

/** Settings that have values of their own, because they go with other objects of the chart. */
const ownValues: ReadonlySet<SettingKey> = new Set([
  'watchNamespaces',
  'port',
  'leaseName',
  'leaseNamespace',
  'webhookPort',
  'webhookSecretsDir',
  'registryCaFile',
])

/** The keys of the value `settings`. */
export const settingsOfChart = settingKeys.filter(
  (key) => !ownValues.has(key) && settingOf(key).configMap === undefined,
)

const object = <T extends TProperties>(properties: T) => Type.Object(all(properties), { additionalProperties: false })
/** Every value may be missing. */
const all = <T extends TProperties>(properties: T): TProperties =>
  Object.fromEntries(Object.entries(properties).map(([name, type]) => [name, Type.Optional(type)]))
/** A list of objects with exactly these fields. */
const rows = <T extends TProperties>(fields: T) => Type.Array(Type.Object(fields, { additionalProperties: false }))

const text = Type.String()
const texts = Type.Array(text)
const yesOrNo = Type.Boolean()
const oneOf = (choices: readonly string[]) => Type.Unsafe<string>({ type: 'string', enum: choices })
const labels = Type.Record(text, text)
const port = Type.Integer({ minimum: 1, maximum: 65_535 })
/** Fields of Kubernetes, which the API server checks. */
const kubernetes = { map: Type.Record(text, Type.Unknown()), list: Type.Array(Type.Record(text, Type.Unknown())) }
const name = Type.String({ pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', maxLength: 253 })
const namespace = Type.String({ pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', maxLength: 63 })
const grants = rows({ namespace, names: Type.Array(name, { minItems: 1 }) })
const ingress = { enabled: yesOrNo, className: text, annotations: labels, hosts: texts, tls: kubernetes.list }
const pollInterval = Type.Integer({ minimum: 5, maximum: 86_400 })

function settingType(key: SettingKey) {
  const { default: value, choices, min = 0, max = Number.MAX_SAFE_INTEGER, allowed } = settingOf(key)
  if (typeof value === 'number') return Type.Integer({ minimum: min, maximum: max })
  if (typeof value === 'boolean') return yesOrNo
  if (Array.isArray(value)) return Type.Array(Type.String({ description: allowed }))
  return choices ? oneOf(choices) : Type.String({ description: allowed })
}

const values = object({
  // An umbrella chart gives these two to its parts.
  global: kubernetes.map,
  enabled: yesOrNo,
  replicaCount: Type.Integer({ minimum: 0 }),
  image: object({
    repository: Type.String({ description: 'without a tag', pattern: '^([a-z0-9][-a-z0-9._:]*/)*[-a-z0-9._]*$' }),
    tag: text,
    digest: Type.String({ pattern: '^(sha256:[0-9a-f]{64})?$' }),
    pullPolicy: oneOf(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: rows({ name }),
  nameOverride: text,
  fullnameOverride: text,
  watchNamespaces: Type.Array(namespace, { uniqueItems: true }),
  settings: object(Object.fromEntries(settingsOfChart.map((key) => [key, settingType(key)]))),
  useHistory: yesOrNo,
  lease: object({ name: text }),
  crds: object({ install: yesOrNo }),
  serviceAccount: object({ create: yesOrNo, name: text, annotations: labels }),
  rbac: object({
    create: yesOrNo,
    viewers: yesOrNo,
    pullSecrets: grants,
    serviceAccountTokens: grants,
    ci: rows({ namespace, name }),
  }),
  service: object({
    type: oneOf(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port,
    annotations: labels,
  }),
  ingress: object({ ...ingress, path: Type.String({ pattern: '^/' }) }),
  hooks: object({ enabled: yesOrNo, port, secretName: text, ingress: object(ingress) }),
  registryCA: object({ configMap: text, secret: text, key: Type.String({ minLength: 1 }) }),
  autoUpdateCVM: yesOrNo,
  cvCD: object({
    refTag: Type.String({ minLength: 1 }),
    frequency: pollInterval,
    frequecy: pollInterval,
    versionSyntax: text,
    selector: Type.Record(text, text, { minProperties: 1 }),
  }),
  resources: kubernetes.map,
  extraEnv: kubernetes.list,
  extraEnvFrom: kubernetes.list,
  extraArgs: texts,
  extraVolumes: kubernetes.list,
  extraVolumeMounts: kubernetes.list,
  podAnnotations: labels,
  podLabels: labels,
  priorityClassName: text,
  nodeSelector: labels,
  tolerations: kubernetes.list,
  affinity: kubernetes.map,
  topologySpreadConstraints: kubernetes.list,
  podDisruptionBudget: object({
    enabled: yesOrNo,
    maxUnavailable: Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^[0-9]+%$' })]),
  }),
  serviceMonitor: object({ enabled: yesOrNo, interval: text, labels }),
  prometheusRule: object({ enabled: yesOrNo, labels }),
  grafanaDashboard: object({ enabled: yesOrNo, labels }),
  networkPolicy: object({ enabled: yesOrNo, from: kubernetes.list, egress: kubernetes.list }),
})

export const valuesSchema = (): string =>
  `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...values }, null, 2)}\n`

import { processAnnotation, slowAnnotation, slowMs } from './pod-marks.ts'
import { pattern, podStatus } from './pod-status.ts'

/** How long a container runs, if it ends at all. */
const WORK_MS = 300

const NODE_STATUS = `
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- { type: {{ .type | Quote }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }}, message: {{ .message | Quote }}, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }} }
{{ end }}
addresses:
- { type: InternalIP, address: {{ NodeIP | default "127.0.0.1" | Quote }} }
- { type: Hostname, address: {{ .metadata.name | Quote }} }
capacity: { cpu: 1k, memory: 1Ti, pods: 1M }
allocatable: { cpu: 1k, memory: 1Ti, pods: 1M }
nodeInfo: { architecture: amd64, operatingSystem: linux, kubeletVersion: kwok, containerRuntimeVersion: kwok, kernelVersion: kwok, kubeProxyVersion: "", machineID: "", systemUUID: "", bootID: "", osImage: kwok }
phase: Running
`

interface Requirement {
  readonly key: string
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  readonly values?: readonly string[]
}

const stage = (
  kind: 'Pod' | 'Node',
  name: string,
  matchExpressions: readonly Requirement[],
  next: object,
  delayMs = 0,
): object => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name },
  spec: {
    resourceRef: { apiGroup: 'v1', kind },
    selector: { matchExpressions },
    ...(delayMs > 0 ? { delay: { durationMilliseconds: delayMs } } : {}),
    next,
  },
})

const alive: Requirement = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' }
const isTrue = (key: string): Requirement => ({ key: `${key} | tostring`, operator: 'In', values: ['true'] })
const simulated = isTrue(`(.metadata.annotations // {})["${processAnnotation}"] == null`)

/** kwok's configuration. Nodes are ready at once, `marks` decides how pods behave, and deleted pods are gone at once. */
export const stages: readonly object[] = [
  stage('Node', 'node-ready', [{ key: '.status.phase', operator: 'NotIn', values: ['Running'] }], {
    statusTemplate: NODE_STATUS,
  }),
  stage(
    'Pod',
    'pod-start',
    // Runs again if the image of the pod itself changes: a kubelet would restart that container.
    [alive, simulated, isTrue('[.spec.containers[].image] != [(.status.containerStatuses // [])[].image]')],
    { statusTemplate: podStatus(false) },
  ),
  stage(
    'Pod',
    'pod-warm',
    [
      alive,
      isTrue(`(.metadata.annotations // {})["${slowAnnotation}"] != null`),
      isTrue('[.status.containerStatuses[]?.ready] | any | not'),
      { key: '.status.phase', operator: 'In', values: ['Running'] },
    ],
    { statusTemplate: podStatus(false) },
    slowMs,
  ),
  stage(
    'Pod',
    'pod-end',
    [
      alive,
      { key: '.status.phase', operator: 'In', values: ['Running'] },
      isTrue(
        `.spec.restartPolicy == "Never" or (.spec.restartPolicy == "OnFailure" and ([.spec.containers[].image | sub("@.*$"; "") | test("${pattern.crash}")] | any | not))`,
      ),
      isTrue(`[.spec.containers[].image | sub("@.*$"; "") | test("${pattern.hang}")] | any | not`),
    ],
    { statusTemplate: podStatus(true) },
    WORK_MS,
  ),
  stage('Pod', 'pod-delete', [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }, simulated], { delete: true }),
]

import type { V1Container, V1PodSpec, V1PodTemplateSpec, V1Volume } from '@kubernetes/client-node'
import type { Container } from '../workloads/workload.ts'
import { deadlineSecondsOf } from './case.ts'
import type { Run } from './verifier.ts'

/**
 * The pod template of a workload, with one container that runs a command with the image of the version.
 * - Its volumes, environment, service account, node selection and security context stay. A volume claim of a StatefulSet is an
 *   empty volume.
 * - Its init containers stay, as the container may need what they prepare; those that come after it, where it is one of them, do not.
 * - Other containers, sidecars, probes, hooks and ports go; so do rules about other pods of the workload, which would keep it from
 *   being scheduled.
 * @param selected the containers that get the image
 * @param limits of a container that has none
 */
export function commandSpec(
  { spec: template }: V1PodTemplateSpec,
  { check, rollout }: Pick<Run, 'check' | 'rollout'>,
  main: Container,
  selected: readonly Container[],
  limits: Readonly<Record<string, string>>,
): V1PodSpec {
  const {
    containers = [],
    initContainers = [],
    affinity,
    topologySpreadConstraints: _spread,
    readinessGates: _gates,
    hostname: _hostname,
    subdomain: _subdomain,
    ...kept
  } = template ?? { containers: [] }
  const all = [...containers, ...initContainers]
  const found = all.find(({ name }) => name === main.name)
  const place = initContainers.findIndex(({ name }) => name === main.name)
  const before = initContainers.slice(0, place < 0 ? initContainers.length : place)
  const { image } = rollout
  const inits = before
    .filter(({ restartPolicy }) => restartPolicy !== 'Always')
    .map((init) => (selected.some(({ name }) => name === init.name) ? { ...init, image } : init))
  const runs: V1Container = { ...bare(found ?? { name: main.name }), image, command: [...(check.command ?? [])] }
  const limited = runs.resources?.limits ?? runs.resources?.requests
  const run = limited ? runs : { ...runs, resources: { limits: { ...limits } } }
  return {
    ...kept,
    restartPolicy: 'Never',
    activeDeadlineSeconds: deadlineSecondsOf(check),
    ...(affinity?.nodeAffinity ? { affinity: { nodeAffinity: affinity.nodeAffinity } } : {}),
    volumes: volumesOf(kept.volumes ?? [], [run, ...inits]),
    ...(inits.length > 0 ? { initContainers: inits } : {}),
    containers: [run],
  }
}

/** What only a container that serves needs. */
function bare(container: V1Container): V1Container {
  const {
    args: _args,
    ports: _ports,
    lifecycle: _lifecycle,
    livenessProbe: _liveness,
    readinessProbe: _readiness,
    startupProbe: _startup,
    restartPolicy: _restart,
    resizePolicy: _resize,
    ...kept
  } = container
  return kept
}

/** A StatefulSet makes volumes of its claims, which its template only mounts. */
function volumesOf(volumes: readonly V1Volume[], containers: readonly V1Container[]): V1Volume[] {
  const mounted = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
  const missing = [...new Set(mounted)].filter((name) => !volumes.some((volume) => volume.name === name))
  return [...volumes, ...missing.map((name) => ({ name, emptyDir: {} }))]
}

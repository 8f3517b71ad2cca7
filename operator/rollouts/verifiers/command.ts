import type { V1Pod, V1PodTemplateSpec } from '@kubernetes/client-node'
import { NeedsChangeError } from '../../errors.ts'
import { workloadKind, workloadPath } from '../workloads/kinds.ts'
import type { Selected } from '../workloads/select.ts'
import type { Container } from '../workloads/workload.ts'
import { commandSpec } from './command-spec.ts'
import { observePod } from './observe-pod.ts'
import type { Run, Sources, Verifier } from './verifier.ts'

/** Runs a command with the image of the version in the pod template of a workload: a migration, or a self-test. */
export const command: Verifier = {
  observe: (run, sources) =>
    observePod(run, sources, async () => {
      const candidate = candidateOf(run)
      const template = await templateOf(candidate, sources)
      const spec = commandSpec(template, run, containerOf(run, candidate), candidate.containers, sources.limits)
      // What others put into its pods goes by annotations, such as secrets.
      return { spec, annotations: template.metadata?.annotations }
    }),
}

/** The whole template: the cache keeps little of it. */
async function templateOf({ object }: Selected, { client }: Sources): Promise<V1PodTemplateSpec> {
  let found: unknown = await client.get(workloadPath(object))
  for (const field of workloadKind(object.kind).podTemplate) found = (found as Record<string, unknown>)[field]
  return found as V1Pod
}

/** The workload that the check names, or the only one that has the container. */
function candidateOf({ check, candidates }: Run): Selected {
  const { workload, container } = check
  const fitting = candidates.filter(
    ({ object, containers }) =>
      (workload === undefined || (workload.kind === object.kind && workload.name === object.name)) &&
      (container === undefined || containers.some(({ name }) => name === container)),
  )
  const [found, other] = fitting
  if (found !== undefined && other === undefined) return found
  const named = candidates
    .map(({ object, containers }) => `${nameOf(object)} (${containers.map(({ name }) => name).join(', ')})`)
    .join(', ')
  const what = container === undefined ? '' : ` with a container ${container} that gets the image`
  throw new NeedsChangeError(
    'CheckUnavailable',
    found === undefined
      ? `there is no workload${workload ? ` ${nameOf(workload)}` : ''}${what}; there are ${named}. Name one of them in the check's workload and container.`
      : `several workloads may run it: ${fitting.map(({ object }) => nameOf(object)).join(', ')}. Name one in the check's workload: {kind, name}.`,
  )
}

const nameOf = ({ kind, name }: { readonly kind: string; readonly name: string }): string => `${kind}/${name}`

/** The container that gets the image; of several, one that serves. */
function containerOf({ check }: Run, { containers, object }: Selected): Container {
  const found =
    check.container === undefined
      ? (containers.find(({ init }) => !init) ?? containers[0])
      : containers.find(({ name }) => name === check.container)
  if (found === undefined) throw new Error(`${nameOf(object)} has a container for the check`)
  return found
}

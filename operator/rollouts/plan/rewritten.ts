import type { RolloutStatus } from '../../api/status.ts'
import { partsOf } from '../../images/image.ts'
import type { Observation } from '../observe/observation.ts'
import type { ImageChange, RewrittenImage } from '../workloads/workload.ts'

/** Whether the API server has stored something else instead of this change. Sent again, it would do so again. */
export function wasRewritten({ rewritten = [] }: Observation, { of, images }: ImageChange): boolean {
  return rewritten.some(
    ({ of: { uid }, name, sent }) =>
      uid === of.uid && images.some((container) => container.name === name && container.image === sent),
  )
}

/** The images of the rollout that something has rewritten. */
export function rewrittenIn({ rewritten = [] }: Observation, { image }: RolloutStatus): readonly RewrittenImage[] {
  return rewritten.filter(({ sent }) => sent === image)
}

/** Remembers what was stored instead: a rollback must put that back too. */
export function withRewritten(rollout: RolloutStatus, rewritten: readonly RewrittenImage[]): RolloutStatus {
  const storedIn = (uid: string, name: string) =>
    rewritten.find(({ of, name: container }) => of.uid === uid && container === name)?.stored
  const workloads = rollout.workloads.map((workload) => ({
    ...workload,
    previous: workload.previous.map((container) => {
      const stored = storedIn(workload.uid, container.name)
      return stored === undefined ? container : { ...container, rewritten: stored }
    }),
  }))
  return { ...rollout, workloads }
}

/** What was sent, what was stored, and who may have rewritten it. */
export function rewrittenMessage(rewritten: readonly RewrittenImage[]): string {
  const found = rewritten.map(
    ({ of, name, sent, stored }) => `container ${name} of ${of.kind}/${of.name} got ${stored} instead of ${sent}`,
  )
  const advice = rewritten.flatMap(({ sent, stored }) => {
    const [one, other] = [partsOf(sent), partsOf(stored)]
    return one?.digest && one.digest === other?.digest
      ? [` If ${other.repository.host} is your mirror, set spec.imageRepo to ${other.name}.`]
      : []
  })
  return `${found.join(', ')}: a mutating webhook or policy rewrites it (kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies). Let it leave the images of these workloads alone.${advice[0] ?? ''}`
}

import type { RolloutStatus } from '../../api/rollout-status.ts'
import { NeedsChangeError } from '../../errors.ts'
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
export function rewritingProblem(rewritten: readonly RewrittenImage[]): NeedsChangeError {
  const found = rewritten.map(
    ({ of, name, sent, stored }) => `container ${name} of ${of.kind}/${of.name} got ${stored} instead of ${sent}`,
  )
  const mirrors = rewritten.flatMap(({ sent, stored }) => {
    const [one, other] = [partsOf(sent), partsOf(stored)]
    return one?.digest && one.digest === other?.digest ? [other.name] : []
  })
  const orFollow = mirrors.length > 0 ? `, or set spec.imageRepo to ${mirrors[0]} if that is your mirror` : ''
  // What to do comes first, since a long message is cut.
  return new NeedsChangeError(
    'ImageRewritten',
    `a mutating webhook or policy rewrites the image; find it with kubectl get mutatingwebhookconfigurations,mutatingadmissionpolicies and let it leave these workloads alone${orFollow}: ${found.join(', ')}`,
  )
}

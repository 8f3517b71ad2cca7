import type { HealthyVersion, RolloutStatus } from '../../api/status.ts'
import { digestOf, ofOneRepository, tagOf } from '../../images/image.ts'
import type { Observation } from '../observe/observation.ts'
import type { SelectedContainer, Workload } from '../workloads/workload.ts'

type Member = RolloutStatus['workloads'][number]

/**
 * The workloads with the images that a rollback restores. Those of `known` keep the images that it found, even if the
 * selector does not find them any more: a rollback restores whatever the rollout has changed.
 */
export function membersOf(
  observation: Observation,
  known: RolloutStatus | undefined,
  target: { readonly digest: string; readonly name: string },
): readonly Member[] {
  const { object, workloads } = observation
  // A tag that a policy chooses is not meant to move, but it can.
  const tag = object.spec.tag ?? target.name
  const before = (uid: string) => known?.workloads.find((member) => member.uid === uid)
  // The health of a workload that the rollout has changed says nothing about the images before it.
  const arriving = workloads.filter(({ ref }) => !before(ref.uid))
  const unhealthy = arriving.filter(({ health }) => health.state !== 'healthy')
  const better = betterVersion(observation, unhealthy, target.digest)
  // The workloads move as one: what is not healthy in one of them is restored in none.
  const bad = new Set(unhealthy.flatMap(({ containers }) => containers.map((each) => exactImage(each, tag))))

  const selected = workloads.map(({ ref: { kind, name, uid }, containers }): Member => {
    const member = before(uid) ?? { kind, name, uid, previous: [] }
    const added = containers
      .filter((container) => !member.previous.some((previous) => previous.name === container.name))
      .map((container) => {
        const own = exactImage(container, tag)
        const replaces = better !== undefined && bad.has(own) && mayGet(observation, container, better)
        return { name: container.name, image: replaces ? better.image : own }
      })
    const unproven = unhealthy.some(({ ref }) => ref.uid === uid) && added.some(({ image }) => image !== better?.image)
    return { ...member, previous: [...member.previous, ...added], ...(unproven ? { unproven } : {}) }
  })
  // A workload that was created again has taken the place of the old one.
  const others = (known?.workloads ?? []).filter(
    (member) =>
      !selected.some(({ uid, kind, name }) => uid === member.uid || (kind === member.kind && name === member.name)),
  )
  return [...selected, ...others]
}

/** What last ran well, if that is neither the target nor what the unhealthy workloads have. */
function betterVersion(
  { object }: Observation,
  unhealthy: readonly Workload[],
  target: string,
): HealthyVersion | undefined {
  if (unhealthy.length === 0) return undefined
  return object.status.lastHealthy?.find(
    ({ digest, image }) => digest !== target && !unhealthy.some((workload) => workload.runs(image)),
  )
}

/** Whether that version was one for this container: the spec may have named other images then. */
function mayGet({ object }: Observation, container: SelectedContainer, { image }: HealthyVersion): boolean {
  return [container.image, object.spec.imageRepo].some((other) => ofOneRepository(other, image))
}

/** If the template has the moving tag, that now names another image: a rollback must restore what the pods really ran. */
function exactImage({ image, running }: SelectedContainer, movingTag: string): string {
  const moved = digestOf(image) === undefined && tagOf(image) === movingTag
  return moved && running ? `${image}@${running}` : image
}

/** The names of the images that a rollback restores, for messages. */
export function previousVersions({ workloads }: Pick<RolloutStatus, 'workloads'>): string {
  const images = workloads.flatMap(({ previous }) => previous.map(({ image }) => image))
  return [...new Set(images.map((image) => tagOf(image) ?? digestOf(image) ?? image))].join(', ')
}

/** Says which workloads a rollback restores to images with which they were not healthy; empty if to none. */
export function unprovenWords({ workloads }: Pick<RolloutStatus, 'workloads'>): string {
  const names = workloads.filter(({ unproven }) => unproven).map(({ kind, name }) => `${kind}/${name}`)
  return names.length === 0
    ? ''
    : ` Those of ${names.join(', ')} were not healthy before the rollout either, and no better ones are known.`
}

/** The version that a rollback has restored in all workloads, if it is one that ran well. */
export function restoredVersion(
  { workloads }: RolloutStatus,
  known: readonly HealthyVersion[] = [],
): HealthyVersion | undefined {
  return known.find(({ image }) => workloads.every(({ previous }) => previous.every((found) => found.image === image)))
}

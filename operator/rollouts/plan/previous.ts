import { isDeepStrictEqual } from 'node:util'
import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/rollout-status.ts'
import type { HealthyVersion } from '../../api/status.ts'
import { type Digest, shortDigest } from '../../images/digest.ts'
import { digestOf, isSameImage, ofOneRepository, tagOf } from '../../images/image.ts'
import { composeImage } from '../../images/reference.ts'
import type { Observation } from '../observe/observation.ts'
import type { SelectedContainer, Workload } from '../workloads/workload.ts'

type Member = RolloutStatus['workloads'][number]

/**
 * The workloads with the images that a rollback restores. Those of `known` keep the images that it found, even if the
 * selector does not find them any more: a rollback restores whatever the rollout has changed.
 */
export function membersOf(
  { object, workloads, serving }: Observation,
  known: RolloutStatus | undefined,
  target: { readonly digest: string; readonly name: string },
): readonly Member[] {
  // A strategy that switches users from one workload to another scales them, too.
  const scales = serving !== undefined
  // A tag that a policy chooses is not meant to move, but it can.
  const tag = object.spec.tag ?? target.name
  const changeable = workloads.filter(({ rolls }) => rolls !== 'Never')
  const selected = changeable.map(({ ref: { kind, name, uid }, containers, health, unavailable, replicas }): Member => {
    const before = known?.workloads.find((member) => member.uid === uid)
    // The health of a workload that the rollout has changed says nothing about the images before it.
    const unproven = before === undefined && health.state !== 'healthy' ? { unproven: true } : {}
    const unavailableBefore = unavailable > 0 ? { unavailableBefore: unavailable } : {}
    const scaled = scales && replicas !== undefined ? { replicas } : {}
    const member = before ?? { kind, name, uid, previous: [], ...scaled, ...unproven, ...unavailableBefore }
    const added = containers.filter(
      (container) => !member.previous.some((previous) => previous.name === container.name),
    )
    const images = added.map((container) => ({ name: container.name, image: exactImage(container, tag) }))
    return { ...member, previous: [...member.previous, ...images] }
  })
  // A workload that was created again has taken the place of the old one.
  const others = (known?.workloads ?? []).filter(
    ({ uid, kind, name }) =>
      !selected.some((found) => found.uid === uid || (found.kind === kind && found.name === name)),
  )
  const isKnown = ({ uid, unproven }: Member) => !unproven && known?.workloads.some((member) => member.uid === uid)
  return withBetterImages(object, [...selected, ...others], isKnown, target.digest)
}

/**
 * A Pod keeps its count of restarts when its image changes: only those from now on say anything about an image that it gets
 * now.
 */
export function countingRestarts(members: readonly Member[], present: readonly Workload[]): readonly Member[] {
  return members.map(({ restartsBefore: _, ...member }) => {
    const restarts = present.find(({ ref }) => ref.uid === member.uid)?.restarts ?? 0
    return restarts > 0 ? { ...member, restartsBefore: restarts } : member
  })
}

/**
 * What was not healthy is not restored if something else ran well, other than the target. The workloads move as one: what is
 * not healthy in one of them is restored in none.
 */
function withBetterImages(
  object: ContainerVersion,
  members: readonly Member[],
  isProven: (member: Member) => boolean | undefined,
  target: string,
): readonly Member[] {
  const better = healthyVersions(object).find(({ digest }) => digest !== target)?.image
  if (better === undefined) return members
  const unproven = members.filter((member) => member.unproven).flatMap(({ previous }) => previous)
  // The spec may have named other images when that version was healthy.
  const isBad = (image: string) =>
    unproven.some((container) => container.image === image) &&
    !isSameImage(image, better) &&
    [image, object.spec.imageRepo].some((other) => ofOneRepository(other, better))
  return members.map((member) => {
    if (isProven(member) || !member.previous.some(({ image }) => isBad(image))) return member
    const { unproven: _, ...proven } = member
    return {
      ...proven,
      previous: member.previous.map((container) =>
        isBad(container.image) ? { ...container, image: better } : container,
      ),
    }
  })
}

/** What ran well, newest first. A status that does not say it yet, of an earlier release, has past rollouts. */
function healthyVersions({ spec, status }: ContainerVersion): readonly HealthyVersion[] {
  const { lastHealthy, rollouts = [] } = status
  if (lastHealthy) return lastHealthy
  const failed = rollouts.filter(({ outcome }) => outcome === 'RolledBack' || outcome === 'Failed')
  return rollouts
    .filter(({ outcome, digest }) => outcome === 'Succeeded' && !failed.some((other) => other.digest === digest))
    .map(({ digest, version }) => ({
      digest,
      version,
      image: composeImage(spec.imageRepo, { name: version, digest: digest as Digest }),
    }))
}

/** If the template has the moving tag, that now names another image: a rollback must restore what the pods really ran. */
function exactImage({ image, running }: SelectedContainer, movingTag: string): string {
  const moved = digestOf(image) === undefined && tagOf(image) === movingTag
  return moved && running ? `${image}@${running}` : image
}

/**
 * The Services that the strategy reads, as they were before the rollout, and before the one that it replaces; unless users have
 * been led elsewhere since, by that rollout or by a person.
 */
export function servicesOf(
  { services = new Map() }: Observation,
  replaced: RolloutStatus | undefined,
): NonNullable<RolloutStatus['services']> {
  const now = [...services.values()].map(({ ref: { name, uid }, selector }) => ({ name, uid, selector }))
  const before = replaced?.services ?? []
  if (!isDeepStrictEqual(before[0], now[0])) return now
  return now.map((service) => before.find(({ uid }) => uid === service.uid) ?? service)
}

/** The names of what a rollback restores, for messages: the version that users get again, or else all images. */
export function previousVersions({
  workloads,
  services,
  from,
}: Pick<RolloutStatus, 'workloads' | 'services' | 'from'>): string {
  if (services !== undefined && from !== undefined) return from
  const images = workloads.flatMap(({ previous }) => previous.map(({ image }) => image))
  return [...new Set(images.map((image) => tagOf(image) ?? shortDigest(digestOf(image) ?? image)))].join(', ')
}

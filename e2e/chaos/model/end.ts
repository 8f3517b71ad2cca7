import type { Build } from '../../scenario/builds.ts'
import { type Invariants, overlapMs, type Run, short } from './evidence.ts'
import { imagesOf, isOfCheck, type RawObject } from './states.ts'
import { isSwitchedByHand } from './switches.ts'

/** What holds in the end, when everything has healed and nothing moves. */
export const end: Invariants = {
  'nothing is lost': (run) => {
    const { containerVersion, serving } = run.end
    const tag = run.tagMoves.at(-1)
    if (!containerVersion?.status || !tag) return ['there is no ContainerVersion']
    const { phase, observed, quarantined = [], held = [], rollout, rollouts = [] } = containerVersion.status
    if (rollout) return [`rollout ${rollout.id} has not ended`]
    if (observed?.digest !== tag.build.digest)
      return [`the tag points at ${tag.build.name}, and cvmanager knows ${observed?.version}`]
    const all = serving.every((workload) => runs(workload, tag.build))
    if (phase === 'UpToDate') return all ? [] : [`it says UpToDate, and not all run ${tag.build.name}`]
    const isQuarantined = quarantined.some(({ digest }) => digest === tag.build.digest)
    // A version that is left in place has not come to all workloads if it has failed in the first of them.
    const some = serving.some((workload) => runs(workload, tag.build))
    const isTrue = phase === 'RolledBack' ? !some : some
    if (!tag.isGood && isQuarantined && isTrue) return []
    if (!tag.isGood && isQuarantined) return [`it says ${phase}, and ${all ? 'all' : 'not all'} run ${tag.build.name}`]
    const failed = rollouts.find(({ digest }) => digest === tag.build.digest)
    if (isQuarantined && failed && wasDisturbed(run, failed)) return []
    // A person has led users elsewhere in the middle.
    const last = run.rollouts.at(-1)
    const isRespected = rollouts[0]?.reason === 'ServiceChanged' && last && isSwitchedByHand(run, last)
    if (isRespected && last.digest === tag.build.digest) return []
    const isHeld = held.some(({ until }) => until !== undefined && Date.parse(until) > run.now)
    return isHeld ? [] : [`${tag.build.name} is not rolled out: ${phase}, ${containerVersion.status.message}`]
  },

  'the workloads are one': (run) => {
    const { serving } = run.end
    const images = serving.flatMap((workload) => [...imagesOf(workload).values()])
    if (new Set(images).size <= 1) return []
    // A person may set one of them apart, or leave a version in place that has failed in one of them.
    const last = run.rollouts.findLast(({ outcome }) => outcome === 'Succeeded')
    const since = last?.began.revision ?? 0
    const isByHand = run.changes.some(({ by, from, at, revision }) => {
      const isFirst = from === undefined && at < run.began
      return by === 'people' && !isFirst && revision > since
    })
    return isByHand || run.rollouts.at(-1)?.outcome === 'Failed' ? [] : [`they have ${images.map(short).join(', ')}`]
  },

  'the status says what runs': ({ end: { containerVersion, serving } }) => {
    const images = [...new Set(serving.flatMap((workload) => [...imagesOf(workload).values()]))].sort()
    const { current } = containerVersion?.status ?? {}
    const said = current?.image === undefined ? (current?.containers?.map(({ image }) => image) ?? []) : [current.image]
    const told = [...new Set(said)].sort()
    return JSON.stringify(told) === JSON.stringify(images)
      ? []
      : [`it says ${told.map(short).join(', ')}, and they have ${images.map(short).join(', ')}`]
  },

  'nothing is left behind': ({ end: { containerVersion, workloads, configMaps, pods } }) => {
    const known = ['kube-root-ca.crt', ...workloads.map(({ metadata }) => `${metadata.name}.history`)]
    return [
      ...(containerVersion?.metadata.finalizers ?? []).map((finalizer) => `the finalizer ${finalizer}`),
      ...configMaps
        .filter(({ metadata }) => !known.includes(metadata.name))
        .map(({ metadata }) => `ConfigMap ${metadata.name}`),
      ...pods
        .filter((pod) => !isOwned(pod) && !workloads.some(isSame(pod)))
        .map(({ metadata }) => `pod ${metadata.name}`),
    ]
  },

  'no pod of a check is left behind': ({ end: { pods } }) =>
    pods.filter(isOfCheck).map(({ metadata }) => `pod ${metadata.name}`),

  'the end is a fixpoint': ({ afterwards }) => afterwards.map((write) => `a new process has sent ${write}`),
}

const runs = (workload: RawObject, { digest }: Build): boolean =>
  [...imagesOf(workload).values()].every((image) => image.endsWith(digest))

const isOwned = ({ metadata }: RawObject): boolean => (metadata.ownerReferences ?? []).length > 0

/** A Pod may be a workload. */
const isSame =
  ({ metadata }: RawObject) =>
  (other: RawObject): boolean =>
    other.metadata.uid === metadata.uid

/** Its pods were slow, or nobody looked: a good version may fail then. */
const wasDisturbed = (
  { disturbances, changes }: Run,
  { startTime, endTime }: { readonly startTime: string; readonly endTime: string },
): boolean => {
  const [from, until] = [Date.parse(startTime) - 1_000, Date.parse(endTime) + 1_000]
  const isByHand = changes.some(({ by, at }) => by === 'people' && at > from && at < until)
  return isByHand || overlapMs(disturbances, from, until) > 0
}

import type { ContainerVersion } from '../../api/container-version.ts'
import type { Drift } from '../../api/status.ts'
import { lastVersion } from '../../discovery/target.ts'
import { timestamp } from '../../time/clock.ts'
import { quarantineOf } from '../gates/quarantine.ts'
import type { Observation } from '../observe/observation.ts'
import { versionOf } from './current.ts'
import type { Decision } from './decision.ts'
import { inBrief } from './in-short.ts'

const maxDrifts = 20

/** The images that somebody else has set, newest first, with those that this observation has found. */
export function driftsOf(observation: Observation, decision: Decision): readonly Drift[] | undefined {
  const before = observation.object.status.drifts ?? []
  const found = newDrifts(observation, decision).filter(
    ({ workload, image, setTime }) =>
      !before.some((known) => known.workload === workload && known.image === image && known.setTime === setTime),
  )
  const all = [...found, ...before].slice(0, maxDrifts)
  return all.length > 0 ? all : undefined
}

function newDrifts({ object, drift = [], offer, now }: Observation, decision: Decision): readonly Drift[] {
  const { current, rollout } = object.status
  const offered = lastVersion(offer)
  // Set to one of these, nothing is going to be reversed; but nobody wants a version that has failed and fails again.
  const isGood = offered && (decision.state?.phase === 'UpToDate' || quarantineOf(object, offered.digest) === undefined)
  const wanted = rollout ? [rollout.digest] : [isGood ? offered.digest : undefined, current?.digest]
  return drift.flatMap(({ workload, containers, by, setTime }) => {
    const versions = containers.map((container) => versionOf(object, offered, container))
    const [image] = containers.map((container) => container.image)
    const isAnother = versions.some(({ digest }) => digest === undefined || !wanted.includes(digest))
    if (!isAnother || image === undefined) return []
    const version = [...new Set(versions.map((one) => one.version))].join(', ')
    const message = `${workload} was set to ${version}${by === undefined ? '' : ` by ${by}`}; ${consequence(object, decision)}`
    const from = current === undefined ? {} : { from: current.version }
    const who = { ...(by === undefined ? {} : { by }), ...(setTime === undefined ? {} : { setTime }) }
    return [{ workload, version, image, ...from, ...who, firstSeenTime: timestamp(now), message }]
  })
}

/** What happens next. */
function consequence({ spec, status }: ContainerVersion, { rollout, state, changes = [] }: Decision): string {
  if (rollout?.phase === 'RollingOut' && changes.some(({ change }) => change === 'images')) {
    const ran = [status.current, status.rollout].some((one) => one?.digest === rollout.digest)
    const why = spec.tag === undefined ? 'spec.policy chooses it' : `the tag ${spec.tag} points there`
    return `${rollout.version} is ${ran ? 'put back' : 'rolled out'}, for ${why}`
  }
  if (rollout && rollout.phase !== 'RollingOut')
    return 'it is left as it is, since a rollback restores only what the rollout has set'
  return `it is left as it is, since ${inBrief(state?.message ?? 'cvmanager waits')}`
}

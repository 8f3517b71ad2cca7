import { type Invariants, maxViewAgeMs, noProcess, overlapMs, type Run } from './evidence.ts'
import { sightAt } from './pods.ts'
import type { Told } from './rollouts.ts'
import type { State } from './states.ts'

type Selector = Readonly<Record<string, string>>

/** A change of the selector of a Service. */
interface Switch extends State {
  readonly from: Selector
  readonly to: Selector
  readonly rollout: Told | undefined
  readonly isBack: boolean
}

function switchesOf({ states, rollouts }: Run): readonly Switch[] {
  const services = states.filter(({ object }) => object.kind === 'Service')
  return services.flatMap((state, at) => {
    const { uid } = state.object.metadata
    const before = services.slice(0, at).findLast(({ object }) => object.metadata.uid === uid)
    const [from, to] = [before?.object.spec?.selector ?? {}, state.object.spec?.selector ?? {}]
    if (!before || JSON.stringify(from) === JSON.stringify(to)) return []
    const rollout = rollouts.findLast(({ began }) => began.revision < state.revision)
    return [{ ...state, from, to, rollout, isBack: (rollout?.backSince ?? state.revision) < state.revision }]
  })
}

/** cvmanager has died before the status could tell of the switch, and a person has undone it: nothing is left that tells of it. */
function isForgotten({ disturbances, states }: Run, { at, revision }: Switch, next: Switch | undefined): boolean {
  if (next?.by !== 'people') return false
  const wasTold = states.some(
    ({ object, by, revision: other }) =>
      object.kind === 'ContainerVersion' && by === 'cvmanager' && other > revision && other < next.revision,
  )
  return !wasTold && disturbances.some(({ what, from, until }) => what === noProcess && from < next.at && until > at)
}

const ours = ({ by }: Switch): boolean => by === 'cvmanager'

const selects = (selector: Selector, labels: Selector | undefined): boolean =>
  Object.entries(selector).every(([key, value]) => labels?.[key] === value)

const labelsOf = ({ object }: State) => object.spec?.template?.metadata?.labels

/** Whether a workload serves users at this revision: all do, unless a Service says which. */
export function serves({ states, serviceName }: Run, uid: string, revision: number): boolean {
  if (serviceName === undefined) return true
  const known = states.filter((state) => state.revision <= revision)
  const service = known.findLast(
    ({ object: { kind, metadata } }) => kind === 'Service' && metadata.name === serviceName,
  )
  const workload = known.findLast(({ object }) => object.metadata.uid === uid && object.spec?.template)
  return workload !== undefined && selects(service?.object.spec?.selector ?? {}, labelsOf(workload))
}

/** Whether a person has switched users in the course of this rollout, and nobody after that. */
export function isSwitchedByHand(run: Run, { began, ended }: Told): boolean {
  const last = switchesOf(run).findLast(
    ({ object, revision }) =>
      object.metadata.name === run.serviceName && revision <= (ended?.revision ?? Number.POSITIVE_INFINITY),
  )
  // What a rollout begins with has been read some time before.
  return last !== undefined && !ours(last) && last.at > began.at - maxViewAgeMs
}

/** So long is a switch on its way at most, from the look at the pods on: a delay, or a move right before it. */
const maxOnItsWayMs = 4_000

/** What holds of each switch of users from one workload to another. */
export const switches: Invariants = {
  'one switch of a Service for each rollout, and one back': (run) => {
    const all = switchesOf(run)
    const done = all
      .filter((one, at) => ours(one) && !isForgotten(run, one, all[at + 1]))
      .map(({ object, rollout, isBack }) => `${object.metadata.name} ${isBack ? 'back ' : ''}in rollout ${rollout?.id}`)
    return done.filter((one, at) => done.indexOf(one) !== at).map((one) => `Service/${one} was switched once more`)
  },

  'users get as many ready pods as are wanted': (run) =>
    switchesOf(run)
      .filter((one) => ours(one) && !one.isBack && one.object.metadata.name === run.serviceName)
      .flatMap((one) => {
        const since = one.at - maxOnItsWayMs - overlapMs(run.disturbances, one.at - maxViewAgeMs, one.at)
        const times = [...run.lives.flatMap(({ sights }) => sights), ...run.states].map(({ at }) => at)
        const looks = [since, ...times, one.at]
          .filter((at) => at >= since && at <= one.at)
          .map((at) => ({ ready: readyAt(run, one, at), wanted: wantedAt(run, one, at) }))
        if (looks.some(({ ready, wanted }) => ready >= wanted)) return []
        const last = looks.at(-1)
        return [`${JSON.stringify(one.to)} got users with ${last?.ready} ready pods, and ${last?.wanted} were wanted`]
      }),
}

/** The pods with the version that the Service leads to after the switch. */
const readyAt = ({ lives }: Run, { to, rollout }: Switch, at: number): number =>
  lives.filter(
    (life) => selects(to, life.labels) && life.images.has(rollout?.image ?? '') && sightAt(life, at)?.isReady === true,
  ).length

/** The replicas of the workload that the Service led to. */
function wantedAt({ states }: Run, { from, revision }: Switch, at: number): number {
  const known = states.filter((state) => state.revision < revision)
  const live = known.findLast(
    ({ object }) => object.kind === 'Deployment' && selects(from, labelsOf({ object } as State)),
  )
  const { uid } = live?.object.metadata ?? {}
  const scaled = known.filter(({ object }) => object.metadata.uid === uid && object.spec?.replicas !== undefined)
  return (scaled.findLast((state) => state.at <= at) ?? scaled[0])?.object.spec?.replicas ?? 0
}

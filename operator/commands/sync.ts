/** `cvmanager cr sync`: the controller's own code, for one ContainerVersion. */
import { aborted } from 'node:util'
import type { ContainerVersionStatus } from '../api/status.ts'
import type { Settings } from '../config/settings.ts'
import { NeedsChangeError } from '../errors.ts'
import type { Logger } from '../log/log.ts'
import type { Credentials } from '../registries/registry.ts'
import type { Observation } from '../rollouts/observe/observation.ts'
import type { Plan } from '../rollouts/plan/plan.ts'
import { beat, endHeartbeat } from './heartbeat.ts'

export interface SyncRequest {
  readonly settings: Settings
  readonly namespace: string
  readonly name: string
  /** The value of `--provider`; undefined: chosen by the repository's host. */
  readonly provider: string | undefined
  /** Reconcile once, and see a rollout that this starts to its end; otherwise until `signal`. */
  readonly once: boolean
  /** Used instead of pull secrets and the Docker config file. */
  readonly credentials?: Credentials | undefined
  readonly log: Logger
  readonly signal: AbortSignal
}

export type SyncOutcome = 'UpToDate' | 'RolledOut' | 'RolledBack' | 'Failed' | 'Held'

/** The result of reconciling one ContainerVersion once. */
export interface SyncResult {
  readonly outcome: SyncOutcome
  /** The cause, as the status has it. */
  readonly message: string
  /** What holds the version on offer back, if this run has not tried it. */
  readonly heldBy?: string | undefined
  /** When it is tried without a change, in milliseconds since the epoch. */
  readonly heldUntil?: number | undefined
}

/** The part of the controller that this command uses. */
export interface SyncController {
  readonly objects: { get(key: string): unknown }
  readonly operator: { start(): Promise<void> }
  troubles(): readonly string[]
  stop(): Promise<void>
}

/** @param open makes a controller for this ContainerVersion alone, which calls `onReconciled` after each reconcile */
export async function sync(
  { namespace, name, once, log, signal }: SyncRequest,
  open: (onReconciled: (observation: Observation, plan: Plan, failure: unknown) => void) => Promise<SyncController>,
): Promise<SyncResult> {
  const key = `${namespace}/${name}`
  const ended = Promise.withResolvers<SyncResult>()
  let rolledOut = false
  let isRetry = false

  let progress: string | undefined

  const controller = await open(({ object, offer }, { status, changes, record, requeueAt }, failure) => {
    const after = record?.status ?? status
    // The log has the events already, with whatever begins or ends a rollout. This is what it waits for meanwhile.
    const advances = after.phase === 'RollingOut' || after.phase === 'Verifying'
    const isUnderWay = advances && after.rollout?.id === object.status.rollout?.id
    if (isUnderWay && after.message !== progress)
      log.info({ namespace, containerVersion: name, phase: after.phase }, after.message)
    progress = after.message
    rolledOut ||= record !== undefined
    const patched = changes.some(({ change }) => change === 'images')
    // A new object gets its first status after some seconds: its workloads may be on their way.
    const isNew = after.phase === undefined
    const settled = offer.state !== 'unknown' && after.rollout === undefined && !patched && !isNew
    // What failed without holding the rollout up, such as spec.config, gets another try.
    if (once && settled && (failure === undefined || isRetry)) ended.resolve(resultOf(after, rolledOut, requeueAt))
    isRetry = settled
  })
  const beats = once ? undefined : setInterval(() => beatUnlessInTrouble(controller, log), beatMs)
  try {
    const started = controller.operator.start().then(() => {
      if (controller.objects.get(key)) return ended.promise
      throw new NeedsChangeError(
        'ContainerVersionNotFound',
        `there is no ContainerVersion ${key}; kubectl get cv -n ${namespace} lists those that there are`,
      )
    })
    return await Promise.race([started, aborted(signal, process).then(() => stopped)])
  } finally {
    clearInterval(beats)
    if (!once) endHeartbeat()
    await controller.stop()
  }
}

const stopped: SyncResult = { outcome: 'Held', message: 'the command was stopped' }

const beatMs = 1_000

function beatUnlessInTrouble(controller: SyncController, log: Logger): void {
  if (controller.troubles().length > 0) return
  try {
    beat()
  } catch (thrown) {
    log.debug({ error: thrown }, 'no sign of life for cr sync status')
  }
}

function resultOf(status: ContainerVersionStatus, rolledOut: boolean, requeueAt: number | undefined): SyncResult {
  const { phase, message = '', next } = status
  const outcome = outcomeOf(status, rolledOut)
  // What is wrong with the selection or the registry comes without a time, and is no gate.
  const isGate = !rolledOut && (phase === 'Stalled' ? requeueAt !== undefined : phase !== 'Unavailable')
  return { outcome, message, ...(next && isGate ? { heldBy: next.heldBy, heldUntil: requeueAt } : {}) }
}

function outcomeOf({ phase }: ContainerVersionStatus, rolledOut: boolean): SyncOutcome {
  switch (phase) {
    case 'UpToDate':
      return rolledOut ? 'RolledOut' : 'UpToDate'
    case 'RolledBack':
      return 'RolledBack'
    case 'Pending':
      return 'Held'
    default:
      return 'Failed'
  }
}

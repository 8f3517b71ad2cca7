/** `cvmanager cr sync`: the controller's own code, for one ContainerVersion. */
import { aborted } from 'node:util'
import type { ContainerVersionStatus } from '../api/status.ts'
import type { Settings } from '../config/settings.ts'
import { messageOf, NeedsChangeError } from '../errors.ts'
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

/** The result of reconciling one ContainerVersion once. */
export type SyncOutcome = 'UpToDate' | 'RolledOut' | 'RolledBack' | 'Failed' | 'Held'

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
): Promise<SyncOutcome> {
  const key = `${namespace}/${name}`
  const ended = Promise.withResolvers<SyncOutcome>()
  let rolledOut = false
  let isRetry = false

  const controller = await open(({ offer }, { status, changes, record }, failure) => {
    const after = record?.status ?? status
    if (after.message !== undefined) log.info({ containerVersion: key, phase: after.phase }, after.message)
    rolledOut ||= record !== undefined
    const patched = changes.some(({ change }) => change === 'images')
    const settled = offer.state !== 'unknown' && after.rollout === undefined && !patched
    // What failed without holding the rollout up, such as spec.config, gets another try.
    if (once && settled && (failure === undefined || isRetry)) ended.resolve(outcomeOf(after, rolledOut))
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
    return await Promise.race([started, aborted(signal, process).then(() => 'Held' as const)])
  } finally {
    clearInterval(beats)
    if (!once) endHeartbeat()
    await controller.stop()
  }
}

const beatMs = 1_000

function beatUnlessInTrouble(controller: SyncController, log: Logger): void {
  if (controller.troubles().length > 0) return
  try {
    beat()
  } catch (thrown) {
    log.debug({ error: messageOf(thrown) }, 'no sign of life for cr sync status')
  }
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

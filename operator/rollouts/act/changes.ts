import { isDeepStrictEqual } from 'node:util'
import type { V1Pod } from '@kubernetes/client-node'
import type { ContainerVersion } from '../../api/container-version.ts'
import { messageOf } from '../../errors.ts'
import { isSameImage } from '../../images/image.ts'
import { ApiError, isAlreadyExists, isConflict, isRefused, oldView } from '../../kubernetes/api-error.ts'
import { pods, resourcePath } from '../../kubernetes/resource-path.ts'
import { directionOf } from '../plan/events.ts'
import { disown, patchImages, patchSeenImages, workloadNow } from '../workloads/image-patch.ts'
import type {
  Change,
  ImageChange,
  RewrittenImage,
  SelectorChange,
  WorkloadObject,
  WorkloadRef,
} from '../workloads/workload.ts'
import type { Effects } from './effects.ts'
import { emit } from './emit.ts'
import { optional } from './optional.ts'
import { patchSelector, scaleWorkload } from './switching.ts'

/** The API server has stored other images than those that were sent. */
export class ImagesRewrittenError extends Error {
  readonly rewritten: readonly RewrittenImage[]

  constructor(rewritten: readonly RewrittenImage[]) {
    super(`the API server has stored ${rewritten.map(({ sent, stored }) => `${stored} instead of ${sent}`).join(', ')}`)
    this.rewritten = rewritten
  }
}

/**
 * Sends all changes, even if one of them is refused: the workloads move as one, and the next reconcile sends the rest.
 * @returns a failure that may pass, of a change that no rollout hangs on; undefined if there is none
 * @throws ImagesRewrittenError, or else the error of the first change that failed and that a rollout hangs on
 */
export async function applyChanges(
  effects: Effects,
  object: ContainerVersion,
  changes: readonly Change[],
): Promise<unknown> {
  const results = await Promise.allSettled(changes.map((change) => apply(effects, object, change)))
  noteRefusals(effects, object, changes, results)
  const errors = results.flatMap((result, at): unknown[] =>
    result.status === 'rejected' && !isNoted(changes[at], result.reason) ? [result.reason] : [],
  )
  const rewritten = errors.flatMap((error) => (error instanceof ImagesRewrittenError ? error.rewritten : []))
  if (rewritten.length > 0) throw new ImagesRewrittenError(rewritten)
  if (errors.length > 0) throw errors[0]
  return results.map((result) => result.status === 'fulfilled' && result.value).find(Boolean) || undefined
}

/** Another answer than that the workload has changed meanwhile: a webhook that cannot be reached is one, too. */
const isRefusal = (thrown: unknown): thrown is ApiError => thrown instanceof ApiError && !isConflict(thrown)

/** The check that needs the pod ends with it. */
const isNoted = (change: Change | undefined, thrown: unknown): boolean =>
  change?.change === 'create' && (isRefused(thrown) || isAlreadyExists(thrown))

/** The next reconcile says it in the status. */
function noteRefusals(
  { refused }: Effects,
  { key }: ContainerVersion,
  changes: readonly Change[],
  results: readonly PromiseSettledResult<unknown>[],
): void {
  const answers = results.flatMap((result, at): [string, string][] => {
    const change = changes[at]
    if (result.status !== 'rejected' || !isRefusal(result.reason)) return []
    if (change && 'of' in change) return isDelivery(change.change) ? [[change.of.uid, messageOf(result.reason)]] : []
    if (change?.change !== 'create') return []
    const { name = '' } = change.object.metadata ?? {}
    const isTaken = isAlreadyExists(result.reason)
    return [[name, isTaken ? 'there is another pod of that name; delete it' : messageOf(result.reason)]]
  })
  if (answers.length > 0) refused.set(key, new Map(answers))
  else refused.delete(key)
}

/** Whether a rollout hangs on a change of this kind. */
export const isDelivery = (change: Change['change'] | undefined): boolean =>
  change === 'images' || change === 'scale' || change === 'selector'

/** Reads workloads again. @throws ApiError 409 if one of them has changed since it was observed */
export async function confirmWorkloads(effects: Effects, workloads: readonly WorkloadRef[]): Promise<void> {
  for (const of of workloads) await confirm(effects, of)
}

async function confirm(effects: Effects, of: WorkloadRef): Promise<void> {
  const found = await readWorkload(effects, of)
  if (found?.resourceVersion !== of.resourceVersion) throw oldView(`${of.kind} ${of.namespace}/${of.name}`)
}

async function readWorkload(effects: Effects, of: WorkloadRef): Promise<WorkloadObject | undefined> {
  const found = await workloadNow(effects.client, of)
  if (found) effects.onChanged(found)
  return found
}

function apply(effects: Effects, object: ContainerVersion, change: Change): Promise<unknown> {
  switch (change.change) {
    case 'images':
      return changeImages(effects, object, change)
    case 'delete':
      return deletePod(effects, object, change)
    case 'create':
      return createPod(effects, object, change.object)
    case 'disown':
      return giveUpOwnership(effects, object, change.of)
    case 'scale':
      return changeScale(effects, object, change.of, change.replicas)
    case 'selector':
      return changeSelector(effects, object, change)
  }
}

async function changeImages(effects: Effects, object: ContainerVersion, change: ImageChange): Promise<void> {
  const { kind, name } = change.of
  await deliver(effects, object, `${kind}/${name}`, async () => {
    const workload = await patchAsObserved(effects, change)
    if (workload) effects.onChanged(workload)
    effects.log.debug(lineOf(object, { workload: `${kind}/${name}`, images: change.images }), 'patched a workload')
    if (workload) refuseRewritten(change, workload)
  })
}

async function changeScale(
  effects: Effects,
  object: ContainerVersion,
  of: WorkloadRef,
  replicas: number,
): Promise<void> {
  const { kind, name } = of
  await deliver(effects, object, `${kind}/${name}`, async () => {
    try {
      await scaleWorkload(effects.client, of, replicas)
    } catch (thrown) {
      // The watch may be late.
      if (isConflict(thrown)) await readWorkload(effects, of)
      throw thrown
    }
    await readWorkload(effects, of)
    effects.log.debug(lineOf(object, { workload: `${kind}/${name}`, replicas }), 'scaled a workload')
  })
}

/** What the decision rests on is read again right before: users never get fewer ready pods than are wanted (B35). */
async function changeSelector(effects: Effects, object: ContainerVersion, change: SelectorChange): Promise<void> {
  const { name } = change.of
  await deliver(effects, object, `Service/${name}`, async () => {
    for (const of of change.workloads) await confirm(effects, of)
    const service = await patchSelector(effects.client, change)
    effects.onServiceChanged(service)
    effects.log.debug(lineOf(object, { service: name, selector: change.selector }), 'pointed a Service at other pods')
  })
}

const lineOf = ({ namespace, name, status: { rollout } }: ContainerVersion, fields: object) => ({
  namespace,
  containerVersion: name,
  rollout: rollout?.id,
  ...(rollout && directionOf(rollout)),
  ...fields,
})

/** Makes a change that a rollout hangs on. If the API server refuses it, an event says so. */
async function deliver(
  effects: Effects,
  object: ContainerVersion,
  what: string,
  change: () => Promise<void>,
): Promise<void> {
  try {
    await change()
  } catch (thrown) {
    if (isRefusal(thrown)) {
      const { rollout } = object.status
      const message = `${what}: ${thrown.message}`
      const id = `${rollout?.id} ${what}`
      const versions = rollout && directionOf(rollout)
      await emit(effects, object, [
        { type: 'Warning', reason: 'PatchRefused', message, id, ...versions, workloads: [] },
      ])
    }
    throw thrown
  }
}

/** @throws ImagesRewrittenError if the API server has stored something else */
function refuseRewritten({ of, images }: ImageChange, { containers }: WorkloadObject): void {
  const rewritten = images.flatMap(({ name, image: sent }) => {
    const stored = containers.find((container) => container.name === name)?.image
    return stored === undefined || isSameImage(stored, sent) ? [] : [{ of, name, sent, stored }]
  })
  if (rewritten.length > 0) throw new ImagesRewrittenError(rewritten)
}

/** So many patches are refused for a workload that changes all the time, before its images alone are the precondition. */
const maxConflicts = 2

/**
 * After a conflict the workload is read again, since the watch may be late. If it has changed in nothing that matters, it is
 * patched at once: an autoscaler may change it again before the next reconcile.
 */
async function patchAsObserved(
  effects: Effects,
  change: ImageChange,
  conflicts = 0,
): Promise<WorkloadObject | undefined> {
  const patch = conflicts < maxConflicts ? patchImages : patchSeenImages
  try {
    return await patch(effects.client, change)
  } catch (thrown) {
    const found = isConflict(thrown) ? await readWorkload(effects, change.of) : undefined
    if (!found || !isAsSeen(found, change) || conflicts >= maxConflicts) throw thrown
    return patchAsObserved(effects, { ...change, of: found }, conflicts + 1)
  }
}

function isAsSeen({ uid, deleting, labels, containers }: WorkloadObject, { of, seen }: ImageChange): boolean {
  return uid === of.uid && !deleting && isDeepStrictEqual([labels, containers], [seen.labels, seen.containers])
}

function giveUpOwnership(effects: Effects, object: ContainerVersion, of: WorkloadRef): Promise<unknown> {
  const { kind, namespace, name, uid } = of
  const message = (cause: string) =>
    `cvmanager still owns the image in managedFields of ${kind} ${namespace}/${name}: ${cause}. The next server-side apply of another manager may end in a conflict. Remove what refuses the change.`
  return optional(effects, object, { reason: 'OwnershipNotGivenUp', id: uid, message }, async () => {
    const workload = await disown(effects.client, of)
    if (workload) effects.onChanged(workload)
  })
}

/** Deletes this very pod. If it is gone, there is nothing to do. */
function deletePod(
  effects: Effects,
  object: ContainerVersion,
  { of: pod, check }: Extract<Change, { change: 'delete' }>,
): Promise<unknown> {
  const { namespace, name, uid } = pod
  const { reason, what } =
    check === undefined
      ? { reason: 'PodNotReplaced', what: 'is not ready and blocks the change of its workload' }
      : { reason: 'PodNotDeleted', what: `of check ${check} is not needed any more` }
  const message = (cause: string) =>
    `pod ${name} ${what}, and cvmanager cannot delete it: ${cause}. Do it: kubectl delete pod ${name} -n ${namespace}`
  return optional(effects, object, { reason, id: uid, message }, async () => {
    if (!(await effects.pods.delete(pod))) return
    const line = { namespace, containerVersion: object.name, pod: name }
    if (check === undefined) effects.log.info(line, 'deleted a pod that blocked the change of its workload')
    else effects.log.debug({ ...line, check }, 'deleted the pod of a check')
  })
}

/** What refuses it is in the next status; whoever has a pod of its name already is found there, too. */
async function createPod(effects: Effects, { name: containerVersion }: ContainerVersion, pod: V1Pod): Promise<void> {
  const { namespace = '', name } = pod.metadata ?? {}
  await effects.client.create(resourcePath(pods, { namespace }), pod)
  effects.log.debug({ namespace, containerVersion, pod: name }, 'created the pod of a check')
}

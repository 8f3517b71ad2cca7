/** What is seen of a check that runs in a pod. Its pods are listed by their label, and read by nobody's name alone. */
import { hash } from 'node:crypto'
import type { V1ContainerStatus, V1ObjectMeta, V1Pod } from '@kubernetes/client-node'
import { apiVersion, checkLabel, containerVersionLabel, kind } from '../../api/names.ts'
import { messageOf } from '../../errors.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { nameEndingIn } from '../../kubernetes/object-name.ts'
import { pods, resourcePath } from '../../kubernetes/resource-path.ts'
import { hasEnded, pod as podView } from '../workloads/pods.ts'
import { untilOf } from './case.ts'
import { tailOf } from './log-tail.ts'
import type { CheckPod, Exit, PodSight, Run, Sources } from './verifier.ts'

/**
 * Finds the pod of a check, or says what to create.
 * @param make the spec of the pod; asked only while there is none
 */
export async function observePod(
  run: Run,
  { client }: Sources,
  make: () => Promise<Pick<V1Pod, 'spec'> & { readonly annotations?: Record<string, string> | undefined }>,
): Promise<PodSight> {
  const { object, now } = run
  const { namespace, uid } = object
  const name = podNameOf(run)
  const path = resourcePath(pods, { namespace })
  const query = { labelSelector: `${containerVersionLabel}=${labelValue(object.name)}` }
  const { items } = await client.get<{ readonly items: readonly V1Pod[] }>(path, { query })
  const own = items.filter(({ metadata }) => isOwnedBy(metadata, uid))
  const found = own.find(({ metadata }) => metadata?.name === name)
  const leftovers = own.filter((other) => other !== found).map((other) => ({ ...refOf(other), ended: hasEnded(other) }))
  const sight = { sight: 'pod', name, pod: found && checkPod(found, run), leftovers } as const
  if (found === undefined) {
    const { spec, annotations } = await make()
    return {
      ...sight,
      wanted: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadataOf(run, name), annotations: { ...annotations, ...notes(run, spec) } },
        spec: spec as NonNullable<V1Pod['spec']>,
      },
    }
  }
  const { exit, failedInit, started } = sight.pod ?? {}
  const matters = failedInit !== undefined || (exit ? exit.code !== 0 : started && now >= untilOf(run))
  const container = failedInit?.name ?? mainOf(found)
  return matters ? { ...sight, log: await logOf(client, found, container) } : sight
}

/** By what it checks: a restart finds it again, and each attempt has its own (B37). */
export function podNameOf({ object, rollout, check, status }: Run): string {
  const what = [
    object.uid,
    rollout.id,
    rollout.image,
    status.step,
    status.name,
    check.image,
    check.tag,
    ...(check.command ?? []),
  ]
  const id = hash('sha256', JSON.stringify(what)).slice(0, 10)
  // Its host name is its name, of up to 63 characters.
  return nameEndingIn(`${object.name}-${status.name}`.slice(0, 63 - id.length - 1), `-${id}`)
}

/** A label has up to 63 characters (B43). The owner reference, and not the label, tells whose it is. */
const labelValue = (name: string): string => name.slice(0, 63).replace(/[^A-Za-z0-9]+$/, '')

/** Labels of its own: no Service, budget or workload selects it. */
function metadataOf({ object, status }: Run, name: string): V1ObjectMeta {
  const owner = { apiVersion, kind, name: object.name, uid: object.uid, controller: true, blockOwnerDeletion: false }
  return {
    namespace: object.namespace,
    name,
    labels: { [checkLabel]: status.name, [containerVersionLabel]: labelValue(object.name) },
    ownerReferences: [owner],
  }
}

/** kubectl goes by it, too. */
const mainAnnotation = 'kubectl.kubernetes.io/default-container'

const mainOf = ({ metadata, spec }: V1Pod): string =>
  metadata?.annotations?.[mainAnnotation] ?? spec?.containers[0]?.name ?? ''

const notes = ({ object, rollout, status }: Run, spec: V1Pod['spec']): Record<string, string> => ({
  [mainAnnotation]: spec?.containers[0]?.name ?? '',
  [`${checkLabel}-of`]: `check ${status.name} of version ${rollout.version}, by ContainerVersion ${object.namespace}/${object.name}, rollout ${rollout.id}`,
})

const isOwnedBy = (metadata: V1ObjectMeta | undefined, uid: string): boolean =>
  metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true

const refOf = ({ metadata }: V1Pod) => ({
  namespace: metadata?.namespace ?? '',
  name: metadata?.name ?? '',
  uid: metadata?.uid ?? '',
})

/** One container checks. Others were put in by somebody else, such as a service mesh, and their ends say nothing. */
function checkPod(raw: V1Pod, { check, rollout }: Run): CheckPod {
  const { spec, status } = raw
  const view = podView(raw, { controllers: new Set(), label: 'pod-template-hash', present: undefined })
  const main = mainOf(raw)
  const state = status?.containerStatuses?.find(({ name }) => name === main)?.state
  const inits = (status?.initContainerStatuses ?? []).flatMap((one) => exitOf(one) ?? [])
  const ofVersion = [
    ...(check.kind === 'Command' ? [main] : []),
    ...(spec?.initContainers ?? []).filter(({ image }) => image === rollout.image).map(({ name }) => name),
  ]
  const { reason, message } = status ?? {}
  const isLate = reason === 'DeadlineExceeded'
  const disrupted = status?.conditions?.find((one) => one.type === 'DisruptionTarget' && one.status === 'True')
  const disruption =
    disrupted?.message ?? (reason && !isLate ? [reason, message].filter(Boolean).join(': ') : undefined)
  return {
    ...view,
    ref: refOf(raw),
    present: true,
    // It is judged by its containers, ended or not.
    exit: exitOf(status?.containerStatuses?.find(({ name }) => name === main)),
    failedInit: inits.find(({ code }) => code !== 0),
    started: state?.running !== undefined || state?.terminated !== undefined,
    ofVersion: new Set(ofVersion),
    isLate,
    disruption,
  }
}

function exitOf(status: V1ContainerStatus | undefined): Exit | undefined {
  const end = status?.state?.terminated
  return (
    status && end && { name: status.name, code: end.exitCode, reason: end.reason ?? '', message: end.message ?? '' }
  )
}

const maxLines = 10
const maxReadBytes = 64 * 1024

/** The log says more than the status, but nothing hangs on it. */
async function logOf(client: ApiClient, raw: V1Pod, container: string | undefined): Promise<string | undefined> {
  const path = resourcePath(pods, { ...refOf(raw), subresource: 'log' })
  try {
    const query = { container, tailLines: maxLines, limitBytes: maxReadBytes }
    const tail = tailOf(await client.text(path, { query }), maxLines)
    return tail === undefined ? undefined : `the last lines of its log: ${tail}`
  } catch (thrown) {
    return `its log cannot be read: ${messageOf(thrown)}`
  }
}

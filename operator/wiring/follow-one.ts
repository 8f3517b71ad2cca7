import { hostname } from 'node:os'
import type { ContainerVersionStatus } from '../api/status.ts'
import type { Commands, FollowOutcome, FollowRequest } from '../cli/commands.ts'
import { NeedsChangeError } from '../errors.ts'
import type { Observation, Plan } from '../rollouts/observe/observation.ts'
import { makeController } from './controller.ts'
import { connect } from './running.ts'

/** `cvmanager cr sync`: the controller's own code, for one ContainerVersion. */
export const followOne: Commands['followOne'] = async (request: FollowRequest): Promise<FollowOutcome> => {
  const { settings, namespace, name, once, provider, credentials, log, signal } = request
  const { kubeConfig, client } = connect(settings)
  const key = `${namespace}/${name}`
  const ended = Promise.withResolvers<FollowOutcome>()
  let rolledOut = false

  const looked = ({ offer }: Observation, { action, status }: Plan) => {
    const after = action.action === 'record' ? action.after : status
    if (after.message !== undefined) log.info({ containerVersion: key, phase: after.phase }, after.message)
    rolledOut ||= action.action === 'record'
    const settled = offer.state !== 'unknown' && after.rollout === undefined && action.action !== 'change'
    if (once && settled) ended.resolve(outcomeOf(after, rolledOut))
  }

  const controller = await makeController({
    settings,
    client,
    kubeConfig,
    identity: `${hostname()}_${process.pid}`,
    log,
    namespaces: [namespace],
    only: key,
    provider,
    credentials: credentials && { credentials: () => Promise.resolve(credentials), forget: () => undefined },
    looked,
  })
  const stopped = new Promise<FollowOutcome>((resolve) => {
    const stop = () => resolve('Held')
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    const started = controller.operator.start().then(() => {
      if (controller.objects.get(key)) return ended.promise
      throw new NeedsChangeError(
        'ContainerVersionNotFound',
        `there is no ContainerVersion ${key}; kubectl get cv -n ${namespace} lists those that there are`,
      )
    })
    return await Promise.race([started, stopped])
  } finally {
    await controller.stop()
    await client.close()
  }
}

function outcomeOf({ phase }: ContainerVersionStatus, rolledOut: boolean): FollowOutcome {
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

import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { aborted } from 'node:util'
import type { ClusterCommands } from '../commands/commands.ts'
import { messageOf, UsageError } from '../errors.ts'
import { createMetrics } from '../http/metrics.ts'
import { serveHttp } from '../http/routes.ts'
import { LeaderElection } from '../kubernetes/lease.ts'
import { MissingRights } from '../kubernetes/missing-rights.ts'
import { systemClock } from '../time/clock.ts'
import { version } from '../version.ts'
import { connect } from './connection.ts'
import { type Controller, makeController } from './controller.ts'
import { leaseAnnotations, openPush } from './push.ts'
import { readDockerLogins } from './registries.ts'
import { Statsd } from './statsd.ts'
import { workloadSource } from './workload-source.ts'

/** `cvmanager run`: serves HTTP at once, and runs the controller while this replica is the leader. */
export const runOperator: ClusterCommands['runOperator'] = async (settings, log, signal) => {
  const metrics = createMetrics()
  let controller: Controller | undefined
  const rights = new MissingRights(log, () => controller?.queue.retryFailed())
  const connection = connect(settings, metrics, rights.add)
  const { server } = connection.kubeConfig.getCurrentCluster() ?? {}
  log.info({ server, context: connection.kubeConfig.getCurrentContext() }, 'cvmanager works on this cluster')
  // The leader reads it again; a replica that stands by must not find out only then that it cannot be used.
  await readDockerLogins(settings, () => undefined).catch((cause: unknown) => {
    throw new UsageError(`--docker-config: ${messageOf(cause)}`, { cause })
  })
  const identity = `${hostname()}_${randomBytes(4).toString('hex')}`
  let synced = false
  const election = settings.leaderElection
    ? new LeaderElection({
        client: connection.client,
        namespace: settings.leaseNamespace,
        name: settings.leaseName,
        identity,
        clock: systemClock,
        log,
        annotations: leaseAnnotations(settings),
      })
    : undefined
  const replica = { following: () => controller?.following, leadersAnnotations: () => election?.othersAnnotations }
  const push = await openPush(settings, replica, log, metrics)

  const begin = async (): Promise<void> => {
    const made = await makeController({
      ...connection,
      settings,
      identity,
      log,
      metrics,
      statsd,
      namespaces: settings.watchNamespaces,
    })
    controller = made
    metrics.leader.set(1)
    await made.operator.start().catch((thrown: unknown) => {
      if (controller === made) throw thrown
    })
    // Another replica leads by now: an interrupted start is not a failure.
    if (controller !== made) return
    synced = true
    statsd?.check('cvmanager', true)
    await push.startReading()
    log.info({ containerVersions: made.objects.size }, 'cvmanager is at work')
  }
  const end = async (): Promise<void> => {
    const ended = controller
    controller = undefined
    synced = false
    metrics.leader.set(0)
    await push.stopReading()
    await ended?.stop()
  }

  const whyNotReady = (): readonly string[] => {
    // A standby replica is ready to take over.
    const problems = [election?.trouble ?? [], rights.problems, controller?.problems() ?? []].flat()
    if (problems.length > 0) return [...new Set(problems)]
    return controller && !synced ? ['the first lists are not complete yet'] : []
  }
  const http = await serveHttp({
    port: settings.port,
    whyNotAlive: () => controller?.troubles() ?? [],
    whyNotReady,
    version,
    metrics: metrics.page,
    workloads: workloadSource(settings, connection.client, () => (synced ? controller?.managed : undefined)),
    log,
  }).catch(async (thrown: unknown) => {
    await push.close()
    throw thrown
  })
  log.info({ port: http.port }, 'serving /alive, /ready, /version, /metrics and /v1/cv/workloads')
  metrics.queueDepthOf(() => controller?.queue.depth ?? 0)
  metrics.queueWaitOf(() => (controller?.queue.heartbeat().longestReadyMs ?? 0) / 1000)
  metrics.containerVersionsOf(() =>
    [...(controller?.objects.values() ?? [])].map(({ status }) => status.phase ?? 'Pending'),
  )

  metrics.objectsOf({
    objects: () => controller?.objects.values() ?? [],
    sinceAnswer: (key) => controller?.following.sinceAnswer(key),
  })

  const statsd = await Statsd.open(settings, (error) => log.debug({ error }, 'cannot send statsd'))
  try {
    await lead(election, signal, begin, end)
  } catch (thrown) {
    statsd?.check('cvmanager', false)
    throw thrown
  } finally {
    await statsd?.close()
    await push.close()
    await http.close()
    rights.stop()
    await connection.client.close()
  }
}

/** Resolves after the signal, when all work has ended; rejects if the work cannot begin. */
async function lead(
  election: LeaderElection | undefined,
  signal: AbortSignal,
  begin: () => Promise<void>,
  end: () => Promise<void>,
): Promise<void> {
  const broken = new AbortController()
  const start = () => {
    begin().catch((thrown: unknown) => {
      // An interrupted start is not a failure.
      if (!signal.aborted) broken.abort(thrown)
    })
  }
  const ending = AbortSignal.any([signal, broken.signal])
  if (election !== undefined) {
    await election.run({ signal: ending, onStarted: start, onEnded: end })
  } else {
    start()
    await aborted(ending, process)
    await end()
  }
  if (broken.signal.aborted) throw broken.signal.reason
}

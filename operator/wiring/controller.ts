import { type ContainerVersion, containerVersion } from '../api/container-version.ts'
import { group, plural, version } from '../api/names.ts'
import type { Settings } from '../config/settings.ts'
import { ContainerVersionOperator } from '../controller/operator.ts'
import { type Result, WorkQueue } from '../controller/queue.ts'
import { Reconciler, type ReconcilerOptions } from '../controller/reconciler.ts'
import type { Metrics } from '../http/metrics.ts'
import { lacksRight } from '../kubernetes/api-error.ts'
import { EventWriter } from '../kubernetes/events.ts'
import { ListWatch, type ListWatchOptions } from '../kubernetes/list-watch.ts'
import { definitionIsCurrent, namespaceExists } from '../kubernetes/prerequisites.ts'
import { ResourceCache } from '../kubernetes/resource-cache.ts'
import { resourcePath, services as serviceResource } from '../kubernetes/resource-path.ts'
import type { CachedObject } from '../kubernetes/store.ts'
import type { Logger } from '../log/log.ts'
import { objectFields } from '../log/object-fields.ts'
import type { CredentialResolver } from '../registries/credentials/credential-resolver.ts'
import { PullSecrets, type TargetCredentials } from '../registries/credentials/pull-secrets.ts'
import type { Credentials } from '../registries/registry.ts'
import { PodDeleter } from '../rollouts/act/pod-deleter.ts'
import { StatusWriter } from '../rollouts/act/status-writer.ts'
import { DeployedVersion } from '../rollouts/history/deployed-version.ts'
import { Observer } from '../rollouts/observe/observe.ts'
import { SelectorIndex } from '../rollouts/observe/selector-index.ts'
import { serviceObject } from '../rollouts/observe/service-object.ts'
import { Services } from '../rollouts/observe/services.ts'
import { workloadKinds } from '../rollouts/workloads/kinds.ts'
import { isWorkload } from '../rollouts/workloads/select.ts'
import { systemClock } from '../time/clock.ts'
import { checkSources } from './checks.ts'
import type { Connection } from './connection.ts'
import { countRollout } from './count-rollout.ts'
import { makePoller, missedPollsReporter, openRegistries, unfinishedSearchReporter } from './registries.ts'
import type { Statsd } from './statsd.ts'

export interface ControllerOptions extends Connection {
  readonly settings: Settings
  /** Names this process in events. */
  readonly identity: string
  readonly log: Logger
  readonly metrics?: Metrics | undefined
  readonly statsd?: Statsd | undefined
  /** All if empty. */
  readonly namespaces: readonly string[]
  /** Instead of pull secrets and the Docker config file. */
  readonly credentials?: Credentials | undefined
  /** As in `--provider`. If undefined, the host of each repository decides. */
  readonly provider?: string | undefined
  /** Ends the start when the API server refuses a list. The default is to try again. */
  readonly givesUp?: boolean | undefined
  /** The key of the only ContainerVersion to reconcile. */
  readonly only?: string | undefined
  /** Called after each reconcile that carried its plan out. */
  readonly onReconciled?: ReconcilerOptions['onReconciled']
}

export type Controller = Awaited<ReturnType<typeof makeController>>

/** Joins the parts of the controller. Nothing runs before `operator.start()`. */
export async function makeController(options: ControllerOptions) {
  const { settings, client, kubeConfig, log, metrics, statsd, namespaces, only, givesUp } = options
  const clock = systemClock
  const watch = <T extends CachedObject>(
    resource: { group: string; version: string; plural: string },
    strip: (raw: unknown) => T,
    {
      confirm,
      ...which
    }: Pick<ListWatchOptions<T>, 'selectors' | 'keeps'> & {
      readonly confirm?: (namespace: string | undefined, signal: AbortSignal) => Promise<void>
    },
  ) =>
    new ResourceCache<T>(namespaces, (namespace) => {
      const path = resourcePath(resource, { namespace })
      return new ListWatch<T>({
        client,
        path,
        strip,
        ...which,
        givesUp,
        log,
        clock,
        confirm: confirm && ((signal) => confirm(namespace, signal)),
      })
    })
  const objects = watch<ContainerVersion>({ group, version, plural }, containerVersion, {
    confirm: async (namespace, signal) => {
      await definitionIsCurrent(client, signal)
      if (namespace !== undefined) await namespaceExists(client, namespace, signal)
    },
  })
  const workloads = workloadKinds.map((kind) => {
    const store = watch(kind, kind.strip, { selectors: kind.watched, keeps: isWorkload })
    return { kind: kind.kind, store }
  })
  const services = watch(serviceResource, serviceObject, {})

  const queue = new WorkQueue({
    workers: settings.workers,
    handle: (key) => handle(key),
    onFailure: ({ key, error, failures, retryInMs }) =>
      log[lacksRight(error) ? 'debug' : 'warn'](
        { ...objectFields(key), error, failures, retryInMs },
        'a reconcile has failed; cvmanager tries it again',
      ),
  })
  const add = (key: string) => {
    if (only === undefined || key === only) queue.add(key)
  }
  const stores = workloads.map(({ store }) => store)
  for (const store of [objects, ...stores, services]) store.onRecovered(() => queue.retryFailed())
  const index = new SelectorIndex(objects, stores, add)
  const open = await openRegistries(settings, metrics, (message) => log.warn(message))
  const resolver = open.resolverFor(options.provider)
  const onMissed = missedPollsReporter(log, settings, metrics)
  const following = makePoller(
    open,
    log,
    metrics,
    {
      onChange: add,
      onMissed,
      onPolled: (polled) => statsd?.polled(polled),
      onUnfinished: unfinishedSearchReporter(log),
    },
    options.provider,
  )
  const checks = checkSources(settings, client, open)
  const reconciler = new Reconciler({
    objects,
    index,
    observer: new Observer(client, index, new Services(client, services, add), clock, checks),
    following,
    credentials: options.credentials
      ? onlyThese(options.credentials, resolver)
      : new PullSecrets(client, clock, resolver, (key, fault) =>
          log.warn({ ...objectFields(key), reason: fault.reason }, `${fault.message} Until then, it is left out.`),
        ),
    effects: {
      client,
      pods: new PodDeleter(client),
      writer: new StatusWriter(client, (object) => objects.put(object)),
      events: new EventWriter({ client, clock, instance: options.identity }),
      onEvent: (object, event) => statsd?.event(object, event),
      reported: new Set(),
      refused: new Map(),
      historyByDefault: settings.history,
      deployedVersion: new DeployedVersion(client),
      onChanged: (workload) => workloads.find(({ kind }) => kind === workload.kind)?.store.put(workload),
      onServiceChanged: (service) => services.put(service),
      clock,
      log,
    },
    clock,
    defaultIntervalSeconds: settings.pollIntervalSeconds,
    rollbackByDefault: settings.rollback,
    requeueAfter: (key, milliseconds) => queue.addAfter(key, milliseconds),
    onReconciled: (observation, plan, failure) => {
      options.onReconciled?.(observation, plan, failure)
      if (plan.record && metrics) countRollout(metrics, observation.object.status, plan.record)
    },
  })

  async function handle(key: string): Promise<Result> {
    const end = metrics?.reconcileSeconds.startTimer()
    try {
      const result = await reconciler.reconcile(key)
      const outcome = result.requeueAfterMs === undefined ? 'settled' : 'again'
      end?.({ outcome: result.failure === undefined ? outcome : 'transient_error' })
      statsd?.reconciled(key, result.failure !== undefined)
      return result
    } catch (thrown) {
      end?.({ outcome: 'transient_error' })
      statsd?.reconciled(key, true)
      throw thrown
    }
  }

  const operator = new ContainerVersionOperator({ kubeConfig, objects, workloads: stores, add, queue, log })
  return {
    operator,
    objects,
    managed: {
      objects: () => objects.values(),
      workloadsOf: (key: string) => index.workloadsOf(key),
    },
    queue,
    /** Receives hints of pushes. */
    following,
    /** Why it cannot go on, for `/alive`; empty while it can. */
    troubles: () => troubles(queue, [objects, ...stores, services], clock.now()),
    /** What only a person can change, for `/ready`: a definition that is not installed, for example. */
    problems: () => [objects, ...stores, services].flatMap((store) => store.problems),
    stop: async () => {
      await operator
        .end()
        .catch((thrown: unknown) => log.warn({ error: thrown }, 'the controller could not stop cleanly'))
      await services.stop()
      await following.stop()
      await checks.requests.close()
      await open.transport.close()
    },
  }
}

/** The credentials of a command line. */
const onlyThese = (found: Credentials, resolver: CredentialResolver): TargetCredentials => ({
  credentials: (_owner, _workloads, repository, afresh) => resolver.resolve({ repository, found, afresh }),
  forget: () => undefined,
})

/** Several times longer than any request may take: a key that has not moved by then is stuck. */
const stuckMs = 180_000

function troubles(queue: WorkQueue, watched: readonly { readonly lastContactMs: number }[], now: number): string[] {
  const { longestReadyMs, longestRunningMs } = queue.heartbeat()
  const silent = watched.some(({ lastContactMs }) => lastContactMs > 0 && now - lastContactMs > stuckMs)
  return [
    ...(longestRunningMs > stuckMs ? ['the reconcile of a ContainerVersion does not end'] : []),
    ...(longestReadyMs > stuckMs ? ['the queue does not move'] : []),
    ...(silent ? ['a watch has been out of contact with the API server for too long'] : []),
  ]
}

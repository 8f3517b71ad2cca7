import type { KubeConfig } from '@kubernetes/client-node'
import { type ContainerVersion, containerVersion } from '../api/container-version.ts'
import { group, plural, version } from '../api/names.ts'
import type { Settings } from '../config/settings.ts'
import { ContainerVersionOperator } from '../controller/operator.ts'
import { type Result, WorkQueue } from '../controller/queue.ts'
import { type CredentialSource, Reconciler } from '../controller/reconciler.ts'
import { messageOf } from '../errors.ts'
import type { Metrics } from '../http/metrics.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { EventWriter } from '../kubernetes/events.ts'
import { ListWatch } from '../kubernetes/list-watch.ts'
import { Watched } from '../kubernetes/namespaces.ts'
import { resourcePath } from '../kubernetes/resource-path.ts'
import type { Stored } from '../kubernetes/store.ts'
import type { Logger } from '../log/log.ts'
import { PullSecrets } from '../registries/credentials/pull-secrets.ts'
import { ObjectWriter } from '../rollouts/act/status-writer.ts'
import { gates } from '../rollouts/gates/gates.ts'
import { DeployedVersion } from '../rollouts/history/deployed-version.ts'
import { History } from '../rollouts/history/history.ts'
import type { Observation, Plan } from '../rollouts/observe/observation.ts'
import { Observer } from '../rollouts/observe/observe.ts'
import { World } from '../rollouts/observe/selector-index.ts'
import { strategies } from '../rollouts/strategies/strategies.ts'
import { workloadKinds } from '../rollouts/workloads/kinds.ts'
import { systemClock } from '../time/clock.ts'
import { makeRegistries, readDockerLogins } from './registries.ts'

export interface ControllerOptions {
  readonly settings: Settings
  readonly client: ApiClient
  readonly kubeConfig: KubeConfig
  /** Of this process, for events. */
  readonly identity: string
  readonly log: Logger
  readonly metrics?: Metrics | undefined
  /** Empty: all. */
  readonly namespaces: readonly string[]
  /** Instead of pull secrets and the Docker config file. */
  readonly credentials?: CredentialSource | undefined
  /** As in `--provider`; undefined: what each repository's host says. */
  readonly provider?: string | undefined
  /** The only ContainerVersion to be worked on, by its key. */
  readonly only?: string | undefined
  /** Told of every look after what it decided has been done. */
  readonly looked?: ((observation: Observation, decision: Plan) => void) | undefined
}

export type Controller = Awaited<ReturnType<typeof makeController>>

/** Joins the controller's parts; nothing runs before `operator.start()`. */
export async function makeController(options: ControllerOptions) {
  const { settings, client, kubeConfig, log, metrics, namespaces, only } = options
  const clock = systemClock
  const watch = <T extends Stored>(
    resource: { group: string; version: string; plural: string },
    strip: (raw: unknown) => T,
  ) =>
    new Watched<T>(
      namespaces,
      (namespace) => new ListWatch<T>({ client, path: resourcePath(resource, { namespace }), strip, log, clock }),
    )
  const objects = watch<ContainerVersion>({ group, version, plural }, containerVersion)
  const workloads = workloadKinds.map((kind) => ({ kind: kind.kind, store: watch(kind, (raw) => kind.strip(raw)) }))

  const queue = new WorkQueue({
    workers: settings.workers,
    handle: (key) => handle(key),
    onFailure: ({ key, error, failures, retryInMs }) =>
      log.warn({ containerVersion: key, err: error, failures, retryInMs }, 'reconcile failed; it will be retried'),
  })
  const add = (key: string) => {
    if (only === undefined || key === only) queue.add(key)
  }
  const stores = workloads.map(({ store }) => store)
  for (const store of [objects, ...stores]) store.onRecovered(() => queue.retryFailed())
  const world = new World(objects, stores, add)
  const registries = makeRegistries(
    settings,
    metrics,
    {
      onChange: add,
    },
    options.provider,
  )
  const deployedVersion = new DeployedVersion(client)
  const reconciler = new Reconciler({
    objects,
    world,
    observer: new Observer(client, world, clock),
    following: registries.following,
    credentials: options.credentials ?? new PullSecrets(client, clock, await readDockerLogins(settings)),
    rules: { strategies, gates },
    hands: {
      client,
      writer: new ObjectWriter(client, (object) => objects.put(object)),
      events: new EventWriter({ client, clock, instance: options.identity }),
      history: new History(client, settings.history),
      deployedVersion,
      changed: (workload) => workloads.find(({ kind }) => kind === workload.kind)?.store.put(workload),
      find: (namespace, kind, name) => world.find(namespace, kind, name),
      log,
    },
    clock,
    defaultIntervalSeconds: settings.pollIntervalSeconds,
    looked: (observation, decision) => {
      options.looked?.(observation, decision)
      if (decision.action.action !== 'record' || !metrics) return
      const { outcome = 'Aborted', startTime, endTime = startTime } = decision.action.rollout
      metrics.rollouts.inc({ outcome })
      metrics.rolloutSeconds.observe({ outcome }, (Date.parse(endTime) - Date.parse(startTime)) / 1000)
    },
  })

  async function handle(key: string): Promise<Result> {
    const end = metrics?.reconcileSeconds.startTimer()
    try {
      const result = await reconciler.reconcile(key)
      end?.({ outcome: result.requeueAfterMs === undefined ? 'settled' : 'again' })
      return result
    } catch (thrown) {
      end?.({ outcome: 'transient_error' })
      throw thrown
    }
  }

  const operator = new ContainerVersionOperator({ kubeConfig, objects, workloads: stores, add, queue, log })
  return {
    operator,
    objects,
    queue,
    /** Takes hints of pushes. */
    following: registries.following,
    /** Why it cannot go on, for `/alive`; empty while all is well. */
    troubles: () => troubles(queue, [objects, ...stores], clock.now()),
    stop: async () => {
      await operator
        .end()
        .catch((thrown: unknown) => log.warn({ error: messageOf(thrown) }, 'the controller did not end well'))
      await registries.close()
    },
  }
}

/** Longer than any request may take, several times over: what has not moved by then is stuck. */
const stuckMs = 180_000

function troubles(
  queue: WorkQueue,
  watched: readonly { readonly lastContactMs: number; readonly lastError: unknown }[],
  now: number,
): string[] {
  const { longestReadyMs, longestRunningMs } = queue.heartbeat()
  const silent = watched.some(({ lastContactMs }) => lastContactMs > 0 && now - lastContactMs > stuckMs)
  return [
    ...(longestRunningMs > stuckMs ? ['one look at a ContainerVersion does not end'] : []),
    ...(longestReadyMs > stuckMs ? ['the queue does not move'] : []),
    ...(silent ? ['a watch has been out of contact with the API server for too long'] : []),
  ]
}

/** The doors by which registries tell of pushes: the port of the webhooks, and the queue of ECR's events. */
import { isIP } from 'node:net'
import type { Settings } from '../config/settings.ts'
import { Dispatcher, type HintOutcome, type Looks } from '../discovery/push/dispatcher.ts'
import { GoogleKeys } from '../discovery/push/google-keys.ts'
import { openQueue, regionOf } from '../discovery/push/queue.ts'
import { receiverKinds } from '../discovery/push/receivers/receivers.ts'
import { readSecretFiles } from '../discovery/push/secret-files.ts'
import { QueueReader } from '../discovery/push/sqs.ts'
import { addressAnnotation, addressOf, ToLeader } from '../discovery/push/to-leader.ts'
import { UsageError } from '../errors.ts'
import { serveHooks } from '../http/hooks-server.ts'
import type { Metrics } from '../http/metrics.ts'
import type { Logger } from '../log/log.ts'
import { systemClock } from '../time/clock.ts'
import { endpointsOf } from './endpoints.ts'
import { openTransport } from './transport.ts'

export interface Following extends Looks {
  setHearing(source: string, hearing: boolean): void
}

export interface Push {
  /** The queue is read by the leader alone: of one message, one reader learns. */
  startReading(): Promise<void>
  stopReading(): Promise<void>
  close(): Promise<void>
}

/** What the leader says on the Lease, so that other replicas can hand their webhooks on to it. */
export const leaseAnnotations = ({ podIp, webhookPort }: Settings): Readonly<Record<string, string | undefined>> => ({
  [addressAnnotation]: addressOf(podIp, webhookPort),
})

export interface Replica {
  /** Undefined while this process does not follow tags. */
  following(): Following | undefined
  /** What another replica, which does, says of itself on the Lease; undefined where there is none. */
  leadersAnnotations(): Readonly<Record<string, string>> | undefined
}

/**
 * Opens the port of the webhooks, on every replica; one that does not lead hands them on to the one that does.
 * @throws UsageError where a secret is missing or a setting cannot work; NeedsChangeError `PortUnavailable`
 */
export async function openPush(
  settings: Settings,
  { following, leadersAnnotations }: Replica,
  log: Logger,
  metrics: Metrics,
): Promise<Push> {
  const onHint = (kind: string, outcome: HintOutcome, count: number) => metrics.hints.inc({ kind, outcome }, count)
  const dispatcher = new Dispatcher(following, onHint)
  const { ecrEventsQueue } = settings
  checkQueue(settings)
  const toLeader = forwarding(settings, () => leadersAnnotations()?.[addressAnnotation], log)
  const webhooks = await openWebhooks(settings, dispatcher, toLeader, log)

  let reader: QueueReader | undefined
  return {
    startReading: async () => {
      if (ecrEventsQueue === '' || reader !== undefined) return
      const onHearing = (source: string, hearing: boolean) => {
        metrics.pushHearing.set({ source }, hearing ? 1 : 0)
        following()?.setHearing(source, hearing)
      }
      const queue = await openQueue({
        url: ecrEventsQueue,
        env: process.env,
        identity: settings,
        stsEndpoint: endpointsOf(settings).sts,
      })
      // It may have ceased to lead meanwhile.
      if (following() === undefined) return queue.close()
      reader = new QueueReader({ queue, dispatcher, onHearing, log })
      reader.start()
      log.info({ queue: ecrEventsQueue }, 'reading the queue of ECR events')
    },
    stopReading: async () => {
      const ended = reader
      reader = undefined
      await ended?.stop()
    },
    close: async () => {
      await reader?.stop()
      await toLeader?.close()
      await webhooks?.close()
    },
  }
}

/** @throws UsageError */
function forwarding(
  { podIp, webhookPort, leaderElection }: Settings,
  address: () => string | undefined,
  log: Logger,
): ToLeader | undefined {
  if (podIp !== '' && isIP(podIp) === 0) {
    throw new UsageError(`--pod-ip ${podIp}: must be an IP address, such as the downward API's status.podIP`)
  }
  return podIp === '' || webhookPort === 0 || !leaderElection
    ? undefined
    : new ToLeader({ ownAddress: podIp, address, log })
}

/** @throws UsageError */
function checkQueue({ ecrEventsQueue, insecureRegistries }: Settings): void {
  if (ecrEventsQueue === '') return
  regionOf(ecrEventsQueue, process.env)
  const { protocol, host } = new URL(ecrEventsQueue)
  if (protocol === 'https:' || insecureRegistries.includes(host)) return
  throw new UsageError(
    `--ecr-events-queue ${ecrEventsQueue}: write https://; plain HTTP is for hosts of --insecure-registry alone`,
  )
}

async function openWebhooks(
  settings: Settings,
  dispatcher: Dispatcher,
  toLeader: ToLeader | undefined,
  log: Logger,
): Promise<{ close(): Promise<void> } | undefined> {
  const { webhookPort, webhookSecretsDir, webhooks } = settings
  if (webhookPort === 0) {
    if (webhooks.length === 0) return undefined
    throw new UsageError('--webhook-port is missing: it says where the webhooks of --webhook are received')
  }
  const transport = openTransport(settings, undefined)
  try {
    const now = () => systemClock.now()
    const deps = { googleKeys: new GoogleKeys({ transport, now }), now }
    const receivers = await readSecretFiles(webhookSecretsDir, webhooks, receiverKinds, deps)
    const server = await serveHooks({ port: webhookPort, receivers, dispatcher, toLeader, log })
    log.info({ port: server.port, kinds: [...receivers.keys()] }, 'receiving webhooks')
    return {
      close: async () => {
        await server.close()
        await transport.close()
      },
    }
  } catch (error) {
    await transport.close()
    throw error
  }
}

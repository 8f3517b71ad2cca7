/** The two sources of push hints: the webhook server and the queue of ECR's events. */
import type { Settings } from '../config/settings.ts'
import { Dispatcher, type HintedPoller, type HintOutcome } from '../discovery/push/dispatcher.ts'
import { EcrEventReader, ecrEvents } from '../discovery/push/ecr-event-reader.ts'
import { GoogleTokens } from '../discovery/push/google-tokens.ts'
import { addressAnnotation, addressOf, LeaderForwarder } from '../discovery/push/leader-forwarder.ts'
import { receiverKinds } from '../discovery/push/receivers/receivers.ts'
import { readSecretFiles } from '../discovery/push/secret-files.ts'
import { openQueue, regionOf } from '../discovery/push/sqs-queue.ts'
import { UsageError } from '../errors.ts'
import type { HttpServer } from '../http/listen.ts'
import type { Metrics } from '../http/metrics.ts'
import { serveWebhooks } from '../http/webhook-routes.ts'
import type { Logger } from '../log/log.ts'
import type { Transport } from '../registries/transport/transport.ts'
import { systemClock } from '../time/clock.ts'
import { endpointsOf, openTransport } from './transport.ts'

export interface Push {
  /** Only the leader reads the queue: each message reaches only one reader. */
  startReading(): Promise<void>
  stopReading(): Promise<void>
  close(): Promise<void>
}

/** What the leader writes on the Lease, so that other replicas can forward their webhooks to it. */
export const leaseAnnotations = ({ podIp, webhookPort }: Settings): Readonly<Record<string, string | undefined>> => ({
  [addressAnnotation]: addressOf(podIp, webhookPort),
})

export interface Replica {
  /** Undefined while this process does not follow tags. */
  following(): HintedPoller | undefined
  /** The annotations of the Lease that another replica holds; undefined where there is no other leader. */
  leadersAnnotations(): Readonly<Record<string, string>> | undefined
}

/**
 * Starts the webhook server, on every replica; one that does not lead forwards webhooks to the leader.
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
  const { ecrEventsQueue, podIp, webhookPort, leaderElection } = settings
  checkQueue(settings)
  const leaderAddress = () => leadersAnnotations()?.[addressAnnotation]
  const mayForward = podIp !== '' && webhookPort !== 0 && leaderElection
  const forwarder = mayForward ? new LeaderForwarder({ ownAddress: podIp, leaderAddress, log }) : undefined
  const transport = openTransport(settings, undefined)
  const webhooks = await openWebhooks(settings, transport, dispatcher, forwarder, log)

  let reader: EcrEventReader | undefined
  return {
    startReading: async () => {
      if (ecrEventsQueue === '' || reader !== undefined) return
      const onReadable = (readable: boolean) => metrics.pushHearing.set({ source: ecrEvents }, readable ? 1 : 0)
      const queue = await openQueue({
        url: ecrEventsQueue,
        env: process.env,
        identity: settings,
        stsEndpoint: endpointsOf(settings).sts,
      })
      // Meanwhile, this replica may have stopped leading.
      if (following() === undefined) return queue.close()
      reader = new EcrEventReader({ queue, dispatcher, onReadable, log })
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
      await forwarder?.close()
      await webhooks?.close()
      await transport.close()
    },
  }
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
  { port, webhookPort, webhookSecretsDir, webhooks }: Settings,
  transport: Transport,
  dispatcher: Dispatcher,
  forwarder: LeaderForwarder | undefined,
  log: Logger,
): Promise<HttpServer | undefined> {
  if (webhookPort === 0) {
    if (webhooks.length === 0) return undefined
    throw new UsageError('--webhook-port is missing: it says where the webhooks of --webhook are received')
  }
  if (webhookPort === port) {
    throw new UsageError(`--webhook-port ${webhookPort}: --port is the same; give each a port of its own`)
  }
  const now = () => systemClock.now()
  const deps = { googleTokens: new GoogleTokens({ transport, now }), now }
  const receivers = await readSecretFiles(webhookSecretsDir, webhooks, receiverKinds, deps)
  const server = await serveWebhooks({ port: webhookPort, receivers, dispatcher, forwarder, log })
  log.info({ port: server.port, kinds: [...receivers.keys()] }, 'receiving webhooks')
  return server
}

import { readFile } from 'node:fs/promises'
import type { Settings } from '../config/settings.ts'
import { unreadable } from '../config/unreadable.ts'
import { type Polled, Poller, type PollerOptions } from '../discovery/polling/poller.ts'
import type { VersionQuery } from '../discovery/versions/version.ts'
import { VersionFinder } from '../discovery/versions/version-finder.ts'
import { UsageError } from '../errors.ts'
import type { Metrics } from '../http/metrics.ts'
import { shortDigest } from '../images/digest.ts'
import { type Repository, repositoryName } from '../images/reference.ts'
import type { Logger } from '../log/log.ts'
import { CredentialResolver } from '../registries/credentials/credential-resolver.ts'
import { currentCredentials } from '../registries/credentials/credential-source.ts'
import { DockerLogins } from '../registries/credentials/docker-logins.ts'
import type { Mirror } from '../registries/mirror.ts'
import { Registries } from '../registries/registries.ts'
import type { Transport } from '../registries/transport/transport.ts'
import { AtMostEvery } from '../time/at-most-every.ts'
import { monotonicClock } from '../time/timing.ts'
import { endpointsOf, openTransport } from './transport.ts'

export interface OpenRegistries {
  readonly registries: Registries
  /** @param provider as in `--provider`; undefined: the host of each repository decides */
  resolverFor(provider?: string): CredentialResolver
  readonly transport: Transport
}

/** Every registry, chosen by host, over one transport, and the credentials for them. Whoever opens it closes the transport. */
export async function openRegistries(
  settings: Settings,
  metrics?: Metrics,
  warn: (message: string) => void = (message) => void process.stderr.write(`warning: ${message}\n`),
): Promise<OpenRegistries> {
  const logins = await readDockerLogins(settings, warn)
  const transport = openTransport(settings, metrics)
  const clock = monotonicClock
  const resolverFor = (provider?: string) =>
    new CredentialResolver({ cloudOf: (repository) => registries.cloudOf(repository, provider), logins, clock })
  const ofMirrors = async (repository: Repository, signal: AbortSignal | undefined) =>
    await currentCredentials(await mirrorResolver.resolve({ repository }), signal)
  const registries = new Registries({
    transport,
    clock,
    endpoints: endpointsOf(settings),
    env: process.env,
    identity: settings,
    providers: new Map(settings.registryProviders.map((pair) => pair.split('=') as [string, string])),
    mirrors: mirrorsOf(settings, ofMirrors),
  })
  const mirrorResolver = resolverFor()
  return { registries, resolverFor, transport }
}

/** Whoever makes it stops it, before the transport is closed. */
export const makePoller = (
  { registries, transport }: OpenRegistries,
  log: Pick<Logger, 'debug' | 'isLevelEnabled'>,
  metrics: Metrics | undefined,
  {
    onUnfinished,
    onPolled,
    ...callbacks
  }: Pick<PollerOptions, 'onChange' | 'onMissed'> & {
    readonly onUnfinished?: OnUnfinished
    readonly onPolled?: PollerOptions['onPoll']
  },
  provider?: string,
): Poller =>
  new Poller({
    registryFor: (repository) => registries.for(repository, provider),
    versions: new VersionFinder(monotonicClock, onUnfinished),
    queues: transport.queues,
    ...callbacks,
    onPoll: (polled) => {
      if (metrics) countPoll(metrics, polled)
      onPolled?.(polled)
      if (log.isLevelEnabled('debug')) log.debug(pollLine(polled), 'polled')
    },
  })

function countPoll({ hostLabel, polls, pollLag }: Metrics, { target, outcome, lateMs }: Polled): void {
  const host = hostLabel(target.repository.host)
  polls.inc({ host, outcome })
  pollLag.observe({ host }, lateMs / 1000)
}

/** A poll of one tag, of several tags of a repository, or of the list of its tags. */
export function pollLine({ target: { kind, repository }, views, outcome, lateMs, durationMs }: Polled) {
  const [{ selector: { tag } = {}, offer } = {}] = views
  const failed = views.find((view) => view.offer.state === 'failed')?.offer
  return {
    target: `${repositoryName(repository)}${kind === 'tag' ? `:${tag}` : ''}`,
    tags: kind === 'batch' ? views.map(({ selector }) => selector.tag) : undefined,
    outcome,
    version: views.length === 1 && offer?.state === 'known' ? offer.version.name : undefined,
    durationMs: Math.round(durationMs),
    lateMs: Math.round(lateMs),
    error: failed?.state === 'failed' ? failed.error : undefined,
  }
}

const warningGapMs = 3_600_000

/** Counts missed polls, and warns of them once an hour for each registry. */
export function missedPollsReporter(
  log: Logger,
  { registryRequestsPerSecond }: Pick<Settings, 'registryRequestsPerSecond'>,
  metrics: Metrics | undefined,
): (host: string) => void {
  const warnings = new AtMostEvery(warningGapMs)
  const remedy =
    registryRequestsPerSecond === 0
      ? 'The registry answers slowly, or its quota is nearly used up. Raise pollIntervalSeconds.'
      : `registryRequestsPerSecond is ${registryRequestsPerSecond}, which may be too low for the followed tags. Raise it, or raise pollIntervalSeconds.`
  return (host) => {
    metrics?.missedPolls.inc({ host: metrics.hostLabel(host) })
    if (warnings.isDue(host)) log.warn({ host }, `polls of this registry begin more than an interval late. ${remedy}`)
  }
}

type OnUnfinished = (query: VersionQuery, matching: number) => void

/** An unfinished search has not shown that no version tag is on the image. */
export const unfinishedSearchReporter =
  (log: Logger): OnUnfinished =>
  ({ repository, tag, versionSyntax, digest }, matching) =>
    log.warn(
      { repository: repositoryName(repository), tag, digest: shortDigest(digest), matching },
      `more tags match versionSyntax ${versionSyntax} than are searched, and none that was searched is on the image. Its label or its digest names the version. Let versionSyntax match fewer tags, or label the image with org.opencontainers.image.version.`,
    )

/** `docker.io=mirror.example.com/hub`, by what is mirrored. If a registry has two mirrors, the first counts. */
export function mirrorsOf({ mirrors }: Settings, credentials: Mirror['credentials']): ReadonlyMap<string, Mirror> {
  const byHost = mirrors.map((pair): [string, Mirror] => {
    const [mirrored = '', at = ''] = pair.split('=')
    const [host = '', ...path] = at.split('/')
    return [mirrored, { host, prefix: path.join('/'), credentials }]
  })
  return new Map(byHost.toReversed())
}

/** @throws UsageError, NeedsChangeError: the file of `--docker-config` cannot be used */
export async function readDockerLogins(
  { dockerConfig }: Settings,
  warn: (message: string) => void,
): Promise<DockerLogins> {
  if (dockerConfig === '') return new DockerLogins([])
  const text = await readFile(dockerConfig, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`--docker-config: ${unreadable(dockerConfig, cause)}`, { cause })
  })
  return DockerLogins.parse(text, `the file ${dockerConfig}`, { warn })
}

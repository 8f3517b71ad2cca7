/**
 * statsd, under the names that the first cvmanager (2018) sent, for dashboards and alerts that are there. They are odd (parts
 * joined without a dot, a namespace now in the name and now in a tag), and stay so.
 */
import { isIPv6 } from 'node:net'
import type { StatsD } from 'hot-shots'
import type { ContainerVersion } from '../api/container-version.ts'
import type { Problem } from '../commands/tags/commands.ts'
import type { Settings } from '../config/settings.ts'
import type { Polled } from '../discovery/polling/poller.ts'
import { UsageError } from '../errors.ts'
import { objectFields } from '../log/object-fields.ts'
import { parseEcrHost } from '../registries/ecr/host.ts'
import type { PlannedEvent } from '../rollouts/plan/events.ts'

const defaultPort = 8125

/** What a command changes at a registry, as ECR's API names it. */
export type TagRequest = 'batchget' | 'putimage' | 'batchdelete'

export type Program = 'cvmanager' | 'crsync'

const failures: ReadonlySet<string> = new Set(['RolledBack', 'NotRolledOut', 'LeftInPlace', 'RolloutAborted'])

export class Statsd {
  readonly #client: StatsD
  /** Only Datadog's agent takes tags, service checks and events; a plain statsd drops the line. */
  readonly #datadog: boolean

  private constructor(client: StatsD, datadog: boolean) {
    this.#client = client
    this.#datadog = datadog
  }

  /**
   * @param onFailure of a datagram; nothing waits for one
   * @returns undefined if the settings do not ask for it
   * @throws UsageError for a host that cannot be used
   */
  static async open(
    { statsProvider, statsHost }: Pick<Settings, 'statsProvider' | 'statsHost'>,
    onFailure: (error: Error) => void,
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<Statsd | undefined> {
    if (statsProvider === 'none') return undefined
    const { StatsD } = await import('hot-shots')
    const { host, port } = addressOf(statsHost || env.STATS_HOST || 'localhost')
    const client = new StatsD({
      host,
      port,
      protocol: 'udp',
      udpSocketOptions: { type: isIPv6(host) ? 'udp6' : 'udp4' },
      cacheDns: true,
      // The names and tags below, and nothing from the environment beside them.
      includeDataDogTags: false,
      originDetection: false,
      errorHandler: onFailure,
    })
    return new Statsd(client, statsProvider === 'datadog')
  }

  /** A ContainerVersion was reconciled. @param key `shop/web` */
  reconciled(key: string, failed: boolean): void {
    const { namespace, containerVersion } = objectFields(key)
    if (failed) this.#count(`cvmanagercvc.${containerVersion}.sync.failure`, `env:${namespace}`)
    else this.#count(`cvmanagercvc.${key}.sync.success`)
  }

  /** Receives each event once, as the log does. */
  event({ name }: Pick<ContainerVersion, 'name'>, { type, reason, message, about, workloads }: PlannedEvent): void {
    if (about !== undefined && reason === 'HistoryNotWritten')
      this.#count(`crsync.${name}crsyn.${about}.history.save.failure`)
    for (const workload of workloads) {
      if (reason === 'RolloutSucceeded') this.#count(`crsync.${name}crsyn.${workload.name}.sync.success`)
      else if (type === 'Warning' && failures.has(reason) && this.#datadog)
        this.#client.event(`${workload.name}.sync.failure.event`, message, { alert_type: 'error' })
    }
  }

  polled({ target: { repository }, outcome }: Pick<Polled, 'target' | 'outcome'>): void {
    if (outcome !== 'failed') return
    this.#count(`registry.${repository.path}.sync.failure`, 'badsha')
    if (parseEcrHost(repository.host)) this.#count(`ecr.descimg.${repository.path}.failure`)
  }

  /** A command on tags could not find an image, or could not make the change. */
  tagsFailed(change: TagRequest, problems: readonly Problem[]): void {
    for (const { repository, tag } of problems)
      this.#count(`registry.${tag === undefined ? 'batchget' : change}.${repository}.failure`)
  }

  /** The service check of the program. */
  check(program: Program, isOk: boolean): void {
    if (this.#datadog) this.#client.check(`${program}.exec.sc`, isOk ? 0 : 2)
  }

  /** Sends what waits. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#client.close(() => resolve()))
  }

  #count(name: string, ...tags: readonly string[]): void {
    this.#client.increment(name, this.#datadog ? [...tags] : [])
  }
}

/** `10.0.0.1`, `statsd.monitoring:9125`, `[fd00::1]:8125`. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const url = `udp://${isIPv6(text) ? `[${text}]` : text}`
  if (!URL.canParse(url)) {
    throw new UsageError(
      `"${text}" is not an address for statsd; write HOST or HOST:PORT, in --stats-host or the environment variable STATS_HOST`,
    )
  }
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? defaultPort : Number(port) }
}

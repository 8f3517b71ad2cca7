/**
 * The digest behind a tag: by HEAD, and by GET where HEAD says too little. Many registries, and proxies before them, treat
 * HEAD differently from GET.
 */
import { LRUCache } from 'lru-cache'
import type { Digest } from '../../images/digest.ts'
import { digestOf, isContentOf, isDigest } from '../../images/digest.ts'
import { type Repository, repositoryName } from '../../images/reference.ts'
import type { Clock } from '../../time/clock.ts'
import { monotonicClock } from '../../time/timing.ts'
import { answerInvalid, type Subject, statusFailure } from '../failures.ts'
import type { Access } from '../registry.ts'
import type { Answer } from '../transport/transport.ts'
import type { OciClient } from './client.ts'
import { manifestOf, manifestTypes, namesOther } from './manifest.ts'

/** With these a registry may mean the method, and not the tag. */
const ofMethod = new Set([400, 405, 501])
/** These may mean the method too, until HEAD has worked in that repository. */
const ofMethodOrTag = new Set([403, 404])
const maxRemembered = 10_000
/** Then HEAD is tried again: the registry may have been updated, and a GET may count as a pull. */
const rememberedMs = 3_600_000

export class TagDigests {
  readonly #client: OciClient
  /** By host: HEAD does not tell the digest there. By repository: HEAD has worked. */
  readonly #methods: LRUCache<string, 'HEAD' | 'GET'>

  constructor(client: OciClient, clock: Clock = monotonicClock) {
    this.#client = client
    this.#methods = new LRUCache({ max: maxRemembered, ttl: rememberedMs, ttlResolution: 0, perf: clock })
  }

  /** @throws as `Registry.resolve` */
  async of(repository: Repository, tag: string, access: Access, known: Digest | undefined): Promise<Digest> {
    const subject: Subject = { repository, what: `tag ${tag}` }
    // Most registries use the digest as the manifest's entity tag. The others answer in full, which costs headers only.
    const condition = known === undefined ? undefined : { 'if-none-match': `"${known}"` }
    const request = {
      subject,
      access,
      purpose: 'manifest',
      path: `/v2/${repository.path}/manifests/${tag}`,
      headers: { accept: manifestTypes, ...condition },
    } as const
    const asksHead = this.#methods.get(repository.host) !== 'GET'
    let isNamed = false
    let mayBeNew = false
    if (asksHead) {
      const answer = await this.#client.send({ ...request, method: 'HEAD' })
      const digest = digestNamed(answer, subject, known)
      isNamed = digest !== undefined
      if (digest !== undefined && (digest === known || !namesOther(answer))) {
        this.#methods.set(repositoryName(repository), 'HEAD')
        return digest
      }
      if (answer.status !== 200 && !this.#mayMeanMethod(answer, repository)) throw failure(answer, subject, access)
      mayBeNew = ofMethodOrTag.has(answer.status)
    }
    const answer = await this.#client.send({ ...request, method: 'GET' })
    const digest = answer.status === 304 && known !== undefined ? known : digestOfContent(answer, subject, access)
    if (!asksHead || isNamed) return digest
    // Somebody may have pushed the tag after the HEAD: then nothing is wrong with HEAD, and GET may count as a pull.
    const again = mayBeNew ? await this.#client.send({ ...request, method: 'HEAD' }) : undefined
    const worksNow = again !== undefined && digestNamed(again, subject, known) !== undefined
    if (!worksNow) this.#methods.set(repository.host, 'GET')
    return digest
  }

  #mayMeanMethod({ status }: Answer, repository: Repository): boolean {
    if (ofMethod.has(status)) return true
    return ofMethodOrTag.has(status) && this.#methods.get(repositoryName(repository)) !== 'HEAD'
  }
}

const failure = ({ status, retryAfterMs }: Answer, subject: Subject, { credentials }: Access): Error =>
  statusFailure(subject, status, credentials, retryAfterMs)

/** The digest that the headers name; for 304, the one that is known. */
function digestNamed({ status, headers }: Answer, subject: Subject, known?: Digest): Digest | undefined {
  if (status !== 200) return status === 304 ? known : undefined
  const digest = headers['docker-content-digest']
  if (digest === undefined || isDigest(digest)) return digest
  throw answerInvalid(subject, 'its Docker-Content-Digest is not a digest')
}

/** The digest of a body, which must be a manifest or an index, and must have the digest that the headers name. */
function digestOfContent(answer: Answer, subject: Subject, access: Access): Digest {
  if (answer.status !== 200) throw failure(answer, subject, access)
  manifestOf(answer, subject)
  const digest = digestNamed(answer, subject) ?? digestOf(answer.body)
  if (isContentOf(digest, answer.body)) return digest
  throw answerInvalid(subject, 'its content does not have the digest that Docker-Content-Digest names')
}

import { Agent, type Dispatcher, request } from 'undici'
import { type Digest, digestOf, type Image, type Manifest, mediaTypes } from './images.ts'

const everyManifest = Object.values(mediaTypes)
  .flatMap(({ index, manifest }) => [index, manifest])
  .join(', ')

export interface Answer {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly body: Buffer
}

/** Changes a registry as CI does, through the OCI distribution API and without the recording proxy. */
export class RegistryApi {
  readonly #base: string
  readonly #authorization: (repository: string) => string | undefined
  readonly #agent = new Agent()
  readonly #present = new Set<string>()

  /** @param address a port on this machine, or the origin of any registry, such as `https://registry.example.com:5000` */
  constructor(address: number | string, authorization: (repository: string) => string | undefined = () => undefined) {
    this.#base = typeof address === 'string' ? address : `http://127.0.0.1:${address}`
    this.#authorization = authorization
  }

  async push(repository: string, image: Image, tags: readonly string[]): Promise<Digest> {
    await Promise.all(image.blobs.map((blob) => this.#upload(repository, blob)))
    const top = image.manifests.at(-1)
    if (!top) throw new Error('An image has at least one manifest')
    for (const manifest of image.manifests) await this.#put(repository, manifest, manifest.digest)
    for (const tag of tags) await this.#put(repository, top, tag)
    return top.digest
  }

  async tag(repository: string, digest: Digest, tag: string): Promise<void> {
    await this.#put(repository, await this.manifest(repository, digest), tag)
  }

  /** @param reference a tag, or a digest, which is removed with all its tags */
  async remove(repository: string, reference: string): Promise<void> {
    await this.#expect(202, 'DELETE', repository, `manifests/${reference}`)
  }

  async manifest(repository: string, reference: string): Promise<Manifest> {
    const { body, headers } = await this.#expect(200, 'GET', repository, `manifests/${reference}`)
    return { mediaType: String(headers['content-type']), bytes: body, digest: digestOf(body) }
  }

  async tags(repository: string): Promise<string[]> {
    const { body } = await this.#expect(200, 'GET', repository, 'tags/list')
    return (JSON.parse(body.toString()) as { tags: string[] | null }).tags ?? []
  }

  async answers(): Promise<boolean> {
    const { status } = await this.#send('GET', '', '/v2/')
    return status === 200 || status === 401
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #upload(repository: string, blob: Buffer): Promise<void> {
    const digest = digestOf(blob)
    const key = `${repository}@${digest}`
    if (this.#present.has(key)) return
    const { headers } = await this.#expect(202, 'POST', repository, 'blobs/uploads/')
    const target = new URL(String(headers.location), this.#base)
    target.searchParams.set('digest', digest)
    const answer = await this.#send(
      'PUT',
      repository,
      `${target.pathname}${target.search}`,
      blob,
      'application/octet-stream',
    )
    if (answer.status !== 201) throw failure('PUT', target.pathname, answer)
    this.#present.add(key)
  }

  async #put(repository: string, { bytes, mediaType }: Manifest, reference: string): Promise<void> {
    await this.#expect(201, 'PUT', repository, `manifests/${reference}`, bytes, mediaType)
  }

  async #expect(
    status: number,
    method: Dispatcher.HttpMethod,
    repository: string,
    path: string,
    body?: Buffer,
    contentType?: string,
  ): Promise<Answer> {
    const answer = await this.#send(method, repository, `/v2/${repository}/${path}`, body, contentType)
    if (answer.status !== status) throw failure(method, `${repository}/${path}`, answer)
    return answer
  }

  async #send(
    method: Dispatcher.HttpMethod,
    repository: string,
    path: string,
    body?: Buffer,
    contentType?: string,
  ): Promise<Answer> {
    const authorization = this.#authorization(repository)
    const answer = await request(`${this.#base}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: {
        accept: everyManifest,
        ...(authorization ? { authorization } : {}),
        ...(contentType ? { 'content-type': contentType } : {}),
      },
      ...(body ? { body } : {}),
    })
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: Buffer.from(await answer.body.arrayBuffer()),
    }
  }
}

function failure(method: string, path: string, answer: Answer): Error {
  return new Error(`The registry answered ${method} ${path} with ${answer.status}: ${answer.body.toString()}`)
}

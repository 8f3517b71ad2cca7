import type { BareApi } from './api.ts'
import { deployments } from './world.ts'

interface Deployment {
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
}

interface Line {
  readonly type: string
  readonly object: Deployment
}

/** When a watch of Deployments saw which image first, by the milliseconds of `Date.now()`. */
export class ImageWatch {
  readonly #seen = new Map<string, number>()
  readonly #waiting = new Map<string, (at: number) => void>()
  readonly #stopping = new AbortController()
  readonly #ended: Promise<void>

  private constructor(api: BareApi, resourceVersion: string) {
    this.#ended = this.#read(api, resourceVersion).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) throw error
    })
  }

  static async start(api: BareApi): Promise<ImageWatch> {
    const { metadata } = await api.get<{ readonly metadata: { readonly resourceVersion: string } }>(
      `${deployments}?limit=1`,
    )
    return new ImageWatch(api, metadata.resourceVersion)
  }

  /** @returns when a Deployment of that name had an image that ends like this, or undefined after the timeout */
  seen(name: string, ending: string, timeoutMs: number): Promise<number | undefined> {
    const key = `${name} ${ending}`
    const at = this.#seen.get(key)
    if (at !== undefined) return Promise.resolve(at)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), timeoutMs)
      this.#waiting.set(key, (seenAt) => {
        clearTimeout(timer)
        resolve(seenAt)
      })
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#ended
  }

  /** The API server may end a watch at any time, such as one whose reader is busy. */
  async #read(api: BareApi, from: string): Promise<void> {
    let resourceVersion = from
    while (!this.#stopping.signal.aborted) {
      const path = `${deployments}?watch=true&timeoutSeconds=3600&resourceVersion=${resourceVersion}`
      for await (const line of api.lines(path, this.#stopping.signal)) {
        resourceVersion = this.#note(JSON.parse(line) as Line)
      }
    }
  }

  #note({ type, object }: Line): string {
    if (type === 'ERROR') throw new Error(`the watch has failed: ${JSON.stringify(object)}`)
    const at = Date.now()
    const { metadata, spec } = object
    const image = spec.template.spec.containers[0]?.image ?? ''
    const key = `${metadata.name} ${image.slice(image.indexOf('@') + 1)}`
    if (!this.#seen.has(key)) {
      this.#seen.set(key, at)
      this.#waiting.get(key)?.(at)
    }
    return metadata.resourceVersion
  }
}

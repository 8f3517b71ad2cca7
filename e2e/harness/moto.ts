import { join } from 'node:path'
import { BatchDeleteImageCommand, CreateRepositoryCommand, ECRClient, PutImageCommand } from '@aws-sdk/client-ecr'
import { locateMoto, motoDirectory } from '../tools/install-moto.ts'
import { type Digest, type ImageContent, type Manifest, makeImage } from './images.ts'
import { MotoProxy, type SeenCall } from './moto-proxy.ts'
import { freePort } from './ports.ts'
import { RunningProgram } from './processes.ts'
import type { Faults } from './registry-faults.ts'
import { until } from './until.ts'
import { makeWorkDirectory, removeWorkDirectory } from './work-directory.ts'

/** The account that moto always uses, and one of its regions. */
export const MOTO_ACCOUNT = '123456789012'
export const MOTO_REGION = 'eu-west-1'

/** moto does not check credentials. In the environment, these keep the SDK from searching this machine for others. */
export const motoEnvironment = {
  AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
  AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
} as const

const maxConcurrentPushes = 8

/** Starts moto's server (ECR, STS, SQS) with its state in memory, behind a proxy that records calls and injects faults. Plain HTTP. */
export async function startMoto(): Promise<Moto> {
  const python = locateMoto()
  if (python === undefined) throw new Error(`moto is not in ${motoDirectory()}: run "make tools" first`)
  const directory = await makeWorkDirectory('moto')
  const backendPort = await freePort()
  const program = new RunningProgram({
    name: 'moto',
    path: python,
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(backendPort)],
    directory,
    logFile: join(directory, 'moto.log'),
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  })
  const proxy = new MotoProxy(backendPort)
  const moto = new Moto({ directory, proxy, program, backend: `http://127.0.0.1:${backendPort}` })
  try {
    await proxy.open()
    const answers = async () => (await fetch(`http://127.0.0.1:${backendPort}/moto-api/data.json`)).ok
    await until('moto to answer', async () => !program.running || (await answers()), 30_000)
    await program.assertRunning()
    return moto
  } catch (error) {
    await moto.stop()
    throw error
  }
}

interface Parts {
  readonly directory: string
  readonly proxy: MotoProxy
  readonly program: RunningProgram
  /** The server's own address, without the proxy. */
  readonly backend: string
}

/**
 * Differs from Amazon's ECR: it deletes an image whose last tag moves away (Amazon keeps it untagged), has no layers (the proxy
 * has them), returns a list in one page, and its GetAuthorizationToken "expires" in 2015.
 */
export class Moto {
  /** The registry's host in an image reference. */
  readonly host = `${MOTO_ACCOUNT}.dkr.ecr.${MOTO_REGION}.amazonaws.com`
  readonly #parts: Parts
  readonly #client: ECRClient
  readonly #repositories = new Set<string>()
  readonly #images = new Map<string, Manifest>()

  constructor(parts: Parts) {
    this.#parts = parts
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = motoEnvironment
    const credentials = { accessKeyId, secretAccessKey }
    this.#client = new ECRClient({ region: MOTO_REGION, endpoint: parts.backend, credentials })
  }

  /** The SDK's `endpoint`, for each of the services. */
  get endpoint(): string {
    return this.#parts.proxy.endpoint
  }

  /** The `path` of a call is its action: `/ecr:DescribeImages`. */
  get faults(): Faults {
    return this.#parts.proxy.faults
  }

  get calls(): readonly SeenCall[] {
    return this.#parts.proxy.calls
  }

  /** Counts the calls since the start or the last `forget`. */
  count(action: string): number {
    return this.calls.filter((call) => call.action === action).length
  }

  forget(): void {
    this.#parts.proxy.calls = []
  }

  /** Only for repositories with options. `push` creates the repositories that it needs. */
  async createRepository(repositoryName: string, options: { readonly immutable?: boolean } = {}): Promise<void> {
    if (this.#repositories.has(repositoryName)) return
    this.#repositories.add(repositoryName)
    const imageTagMutability = options.immutable ? 'IMMUTABLE' : 'MUTABLE'
    await this.#client.send(new CreateRepositoryCommand({ repositoryName, imageTagMutability }))
  }

  /** Pushes a new image with these tags; existing tags move. `calls` does not include these requests. */
  async push(repository: string, tags: string | readonly string[], content: ImageContent = {}): Promise<Digest> {
    await this.createRepository(repository)
    const { blobs, manifests } = makeImage(content)
    for (const blob of blobs) this.#parts.proxy.addLayer(blob)
    const last = manifests.at(-1) as Manifest
    for (const part of manifests.slice(0, -1)) await this.#put(repository, part, undefined)
    const names = typeof tags === 'string' ? [tags] : tags
    const [first, ...others] = names
    await this.#put(repository, last, first)
    for (let from = 0; from < others.length; from += maxConcurrentPushes) {
      await Promise.all(others.slice(from, from + maxConcurrentPushes).map((tag) => this.#put(repository, last, tag)))
    }
    this.#images.set(`${repository}@${last.digest}`, last)
    return last.digest
  }

  /** Moves a tag to an image that `push` has pushed. */
  async tag(repository: string, digest: string, tag: string): Promise<void> {
    const manifest = this.#images.get(`${repository}@${digest}`)
    if (!manifest) throw new Error(`${repository}@${digest} was not pushed here`)
    await this.#put(repository, manifest, tag)
  }

  async untag(repositoryName: string, imageTag: string): Promise<void> {
    await this.#client.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag }] }))
  }

  async stop(): Promise<void> {
    const { directory, proxy, program } = this.#parts
    this.#client.destroy()
    await Promise.all([proxy.close(), program.stop()])
    await removeWorkDirectory(directory)
  }

  /** Names the digest. Otherwise moto computes it from the layers, and picks a random one for an index. */
  async #put(repositoryName: string, manifest: Manifest, imageTag: string | undefined): Promise<void> {
    const image = {
      imageManifest: manifest.bytes.toString(),
      imageManifestMediaType: manifest.mediaType,
      imageDigest: manifest.digest,
    }
    await this.#client.send(new PutImageCommand({ repositoryName, ...image, ...(imageTag ? { imageTag } : {}) }))
  }
}

import { join } from 'node:path'
import { BatchDeleteImageCommand, CreateRepositoryCommand, ECRClient, PutImageCommand } from '@aws-sdk/client-ecr'
import { locateMoto, motoDirectory } from '../tools/moto.ts'
import { type Digest, type ImageContent, type Manifest, makeImage } from './images.ts'
import { MotoDoor, type SeenCall } from './moto-door.ts'
import { freePort } from './ports.ts'
import { RunningProgram } from './processes.ts'
import type { Faults } from './registry-faults.ts'
import { until } from './until.ts'
import { makeWorkDirectory, removeWorkDirectory } from './work-directory.ts'

/** moto's own account, and one of its regions. */
export const MOTO_ACCOUNT = '123456789012'
export const MOTO_REGION = 'eu-west-1'

/** Any will do: moto checks none. In the environment, they keep the SDK from looking for others on this machine. */
export const motoEnvironment = {
  AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
  AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
} as const

const pushesAtATime = 8

/** moto's server (ECR, STS, SQS), its state in memory, behind a door that counts and can spoil. Plain HTTP. */
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
  const door = new MotoDoor(backendPort)
  const moto = new Moto({ directory, door, program, backend: `http://127.0.0.1:${backendPort}` })
  try {
    await door.open()
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
  readonly door: MotoDoor
  readonly program: RunningProgram
  /** Past the door. */
  readonly backend: string
}

/**
 * Unlike Amazon's ECR it deletes an image whose last tag moves away (Amazon's leaves it there untagged), knows no layers
 * (the door does), gives every page of a list at once, and its GetAuthorizationToken "expires" in 2015.
 */
export class Moto {
  /** As an image names it. */
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

  /** For the SDK's `endpoint`, whichever of the services is meant. */
  get endpoint(): string {
    return this.#parts.door.endpoint
  }

  /** Of actions as `/ecr:DescribeImages`, which is their `path`. */
  get faults(): Faults {
    return this.#parts.door.faults
  }

  get calls(): readonly SeenCall[] {
    return this.#parts.door.calls
  }

  /** What came to the door since the start or the last `forget`. */
  count(action: string): number {
    return this.calls.filter((call) => call.action === action).length
  }

  forget(): void {
    this.#parts.door.calls = []
  }

  /** Needed only for what `push` would not make: it makes repositories as it meets them. */
  async createRepository(repositoryName: string, options: { readonly immutable?: boolean } = {}): Promise<void> {
    if (this.#repositories.has(repositoryName)) return
    this.#repositories.add(repositoryName)
    const imageTagMutability = options.immutable ? 'IMMUTABLE' : 'MUTABLE'
    await this.#client.send(new CreateRepositoryCommand({ repositoryName, imageTagMutability }))
  }

  /** Makes an image and puts the tags on it; tags that exist move. Not counted in `calls`. */
  async push(repository: string, tags: string | readonly string[], content: ImageContent = {}): Promise<Digest> {
    await this.createRepository(repository)
    const { blobs, manifests } = makeImage(content)
    for (const blob of blobs) this.#parts.door.keep(blob)
    const last = manifests.at(-1) as Manifest
    for (const part of manifests.slice(0, -1)) await this.#put(repository, part, undefined)
    const names = typeof tags === 'string' ? [tags] : tags
    const [first, ...others] = names
    await this.#put(repository, last, first)
    for (let from = 0; from < others.length; from += pushesAtATime) {
      await Promise.all(others.slice(from, from + pushesAtATime).map((tag) => this.#put(repository, last, tag)))
    }
    this.#images.set(`${repository}@${last.digest}`, last)
    return last.digest
  }

  /** Moves a tag onto an image that was pushed here. */
  async tag(repository: string, digest: string, tag: string): Promise<void> {
    const manifest = this.#images.get(`${repository}@${digest}`)
    if (!manifest) throw new Error(`${repository}@${digest} was not pushed here`)
    await this.#put(repository, manifest, tag)
  }

  async untag(repositoryName: string, imageTag: string): Promise<void> {
    await this.#client.send(new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag }] }))
  }

  async stop(): Promise<void> {
    const { directory, door, program } = this.#parts
    this.#client.destroy()
    await Promise.all([door.close(), program.stop()])
    await removeWorkDirectory(directory)
  }

  /** With the digest said: moto would else make one of the layers, and a random one for an index. */
  async #put(repositoryName: string, manifest: Manifest, imageTag: string | undefined): Promise<void> {
    const image = {
      imageManifest: manifest.bytes.toString(),
      imageManifestMediaType: manifest.mediaType,
      imageDigest: manifest.digest,
    }
    await this.#client.send(new PutImageCommand({ repositoryName, ...image, ...(imageTag ? { imageTag } : {}) }))
  }
}

/** For tests: the benches of the contract, made as the program makes its registries: by the host, from the array of kinds. */
import type { Test } from 'tap'
import { type Registry as Program, startRegistry } from '../../../e2e/harness/registry.ts'
import { systemClock } from '../../time/clock.ts'
import type { RegistriesOptions } from '../registries.ts'
import type { Credentials } from '../registry.ts'
import type { RegistryBench } from './bench.ts'
import { type Login, opened } from './opened.fixture.ts'
import { type Peer, transportTo } from './peer.ts'
import { type Special, standIn } from './stand-in.fixture.ts'

/** One access mode of one kind of registry. */
export interface ContractRun {
  readonly as: string
  start(t: Test): Promise<RegistryBench>
}

export const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }

export const stranger: Credentials = { kind: 'basic', username: 'somebody', password: 'wrong-password' }

/** The users of a bench, before their credentials are resolved. */
export interface Users {
  readonly credentials: Login
  readonly reader?: Login | undefined
  readonly strangers?: readonly Login[] | undefined
}

type Own = Users &
  Partial<Omit<RegistryBench, keyof Users>> & { readonly deps?: Partial<RegistriesOptions> | undefined }

export interface Named {
  readonly host: string
  readonly kind: string
  readonly special: Special
  /** The users, and what the registry does differently. */
  own(t: Test, program: Program, server: Peer): Promise<Own>
}

/** A stand-in for a registry that is known by its host, in front of a real registry. */
export async function benchBehind(t: Test, { host, kind, special, own }: Named): Promise<RegistryBench> {
  const program = await startRegistry({ auth: 'token' })
  t.teardown(() => program.stop())
  const server = await standIn(t, program, special)
  const { deps, credentials, reader, strangers, ...others } = await own(t, program, server)
  const transport = transportTo(t, [host], { origins: { [host]: `http://${server.host}` }, limits: fast })
  const bench = await benchAt(
    host,
    { transport, clock: systemClock, endpoints: {}, env: {}, ...deps },
    { credentials, reader, strangers },
  )
  t.equal(bench.registry.kind, kind, `${host} is asked as ${kind}`)
  return { ...bench, ...made(program), ...others }
}

/** The registry at a host, with the credentials of its users. */
export async function benchAt(
  host: string,
  options: RegistriesOptions,
  { credentials, reader, strangers = [] }: Users,
) {
  const repository = { host, path: 'contract/web' }
  const { registries, accessTo } = opened(options)
  const resolved = async (login: Login) => (await accessTo(repository, login)).credentials
  return {
    registry: registries.for(repository),
    host,
    credentials: await resolved(credentials),
    reader: reader && (await resolved(reader)),
    strangers: await Promise.all(strangers.map(resolved)),
  }
}

/** Pushes images to the real registry. */
export const made = (program: Program): Pick<RegistryBench, 'push' | 'moveTag' | 'answerManifests'> => ({
  push: async (path, tags, content) => (await program.push(path, tags, content)).digest,
  moveTag: (path, tag, to) => program.tag(path, to as `sha256:${string}`, tag),
  answerManifests: (answer) => program.faults.inject(answer, { when: ({ path }) => path.includes('/manifests/') }),
})

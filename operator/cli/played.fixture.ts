/** One command line within the test's process, with a house that is played and what it was asked. */
import type { ChangesAnswer, ImagesAnswer, ResolvedImage } from '../commands/tags/results.ts'
import type { Commands, FollowOutcome, FollowRequest, RegistryCommands, WorkloadVersion } from './commands.ts'
import { runProgram } from './program.ts'
import type { World } from './world.ts'

export interface Played {
  readonly outcome?: FollowOutcome
  readonly versions?: readonly WorkloadVersion[]
  readonly configMap?: Readonly<Record<string, string>>
  readonly images?: ImagesAnswer
  readonly changes?: ChangesAnswer
  readonly resolved?: ResolvedImage
  readonly failure?: Error
  readonly env?: World['env']
  readonly stdin?: string
}

export async function played(
  args: string,
  { outcome = 'UpToDate', versions = [], configMap, failure, env = {}, stdin = '', ...answers }: Played = {},
) {
  const seen = { out: '', err: '', follow: undefined as FollowRequest | undefined, asked: [] as unknown[] }
  const answer = async <T>(value: T, ...asked: unknown[]): Promise<T> => {
    seen.asked.push(...asked)
    if (failure) throw failure
    return value
  }
  const commands: Commands = {
    startOperator: (settings) => answer({ done: new Promise(() => undefined), stop: async () => undefined }, settings),
    followOne(request) {
      seen.follow = request
      return answer(outcome)
    },
    currentVersions: ({ settings, namespace }) => answer(versions, { namespace }, settings),
    configMapData: (_, namespace, name) => answer(configMap, { namespace, name }),
  }
  const registryCommands: RegistryCommands = {
    tagsOfImages: (request) => answer(answers.images ?? { images: [], problems: [] }, request),
    addTags: (request) => answer(answers.changes ?? { dryRun: false, changes: [], problems: [] }, request),
    removeTags: (request) => answer(answers.changes ?? { dryRun: false, changes: [], problems: [] }, request),
    resolvePolicy: (request) => answer(undefined, request).then(nothing),
    resolveImage: (request) => answer(answers.resolved, request).then((resolved) => resolved ?? nothing()),
  }
  const status = await runProgram(args === '' ? [] : args.split(' '), {
    env: { CVMANAGER_LOG_LEVEL: 'error', ...env },
    stdin: (async function* () {
      yield stdin
    })(),
    print(text) {
      seen.out += text
    },
    complain(text) {
      seen.err += text
    },
    commands: async () => commands,
    registryCommands: async () => registryCommands,
    // Whatever runs until it is stopped, is stopped.
    stopSignal: () => (args.startsWith('run') ? AbortSignal.abort('SIGTERM') : new AbortController().signal),
  })
  return { status, ...seen }
}

function nothing(): never {
  throw new Error('no image was played')
}

/** Runs one command line within the test's process, with fake commands that record their requests. */
import type { Asked, ClusterCommands } from '../commands/commands.ts'
import type { ConvertedManifests } from '../commands/migrate/documents.ts'
import type { MoveResult } from '../commands/migrate/move.ts'
import type { StatusTree } from '../commands/status/tree.ts'
import type { SyncRequest, SyncResult } from '../commands/sync.ts'
import type { ChangesResult, ImagesResult, ResolvedTag, TagCommands } from '../commands/tags/commands.ts'
import type { WaitResult } from '../commands/wait/result.ts'
import type { WorkloadVersion } from '../rollouts/observe/json-of-2018.ts'
import type { Io } from './io.ts'
import { runProgram } from './program.ts'

export interface Fakes {
  readonly result?: SyncResult
  readonly versions?: readonly WorkloadVersion[]
  readonly asked?: Asked
  readonly waited?: WaitResult
  readonly trees?: readonly StatusTree[]
  readonly converted?: ConvertedManifests
  readonly moved?: MoveResult
  readonly rows?: number
  readonly configMap?: Readonly<Record<string, string>>
  readonly images?: ImagesResult
  readonly changes?: ChangesResult
  readonly resolved?: ResolvedTag
  readonly failure?: Error
  readonly configMapFailure?: Error
  readonly env?: Io['env']
  readonly stdin?: string
  readonly columns?: number
  readonly program?: Io['program']
}

export async function runCli(
  /** Separated by spaces, or one by one. */
  args: string | readonly string[],
  {
    result = { outcome: 'UpToDate', message: 'all workloads run v1' },
    versions = [],
    asked = { namespace: 'shop', name: 'web', request: 'now', follows: 'registry.example.com/shop/web:env-prod' },
    waited = { result: 'Healthy', version: 'v1', message: 'runs, and is healthy' },
    trees = [],
    converted = { text: '', converted: 0, problems: [] },
    moved = { result: 'Nothing' },
    rows,
    configMap,
    failure,
    configMapFailure,
    env = {},
    stdin = '',
    columns,
    program = 'cvmanager',
    ...results
  }: Fakes = {},
) {
  const seen = {
    out: '',
    err: '',
    sync: undefined as SyncRequest | undefined,
    wait: undefined as Parameters<ClusterCommands['wait']>[1] | undefined,
    requests: [] as unknown[],
  }
  const answer = async <T>(value: T, ...requests: unknown[]): Promise<T> => {
    seen.requests.push(...requests)
    if (failure) throw failure
    return value
  }
  const clusterCommands: ClusterCommands = {
    runOperator: (settings) => answer(undefined, settings),
    sync(request) {
      seen.sync = request
      return answer(result)
    },
    getVersions: (settings, { namespace }) => answer(versions, { namespace }, settings),
    reconcile: (_, object) => answer(asked, object),
    wait: (_, request) => {
      seen.wait = request
      request.onProgress('RollingOut: rolling out v1')
      return answer({ namespace: request.namespace ?? 'default', name: request.name, ...waited })
    },
    async status(_, request) {
      for (const tree of trees) request.onTree(tree, undefined)
      return answer(undefined, request)
    },
    convertCluster: (settings, namespace) => answer(converted, { namespace }, settings),
    move: (_, request) => answer(moved, request),
    configMapData: (_, namespace, name) =>
      configMapFailure ? Promise.reject(configMapFailure) : answer(configMap, { namespace, name }),
  }
  const tagCommands: TagCommands = {
    getTags: (request) => answer(results.images ?? { images: [], problems: [] }, request),
    addTags: (request) => answer(results.changes ?? { dryRun: false, changes: [], problems: [] }, request),
    removeTags: (request) => answer(results.changes ?? { dryRun: false, changes: [], problems: [] }, request),
    resolvePolicy: (request) => answer(undefined, request).then(noFake),
    resolveTag: (request) => answer(results.resolved, request).then((resolved) => resolved ?? noFake()),
  }
  const words = typeof args === 'string' ? args.split(' ').filter((word) => word !== '') : args
  const status = await runProgram(words, {
    program,
    env: { CVMANAGER_LOG_LEVEL: 'error', ...env },
    columns,
    rows,
    stdin: (async function* () {
      yield stdin
    })(),
    print(text) {
      seen.out += text
    },
    printError(text) {
      seen.err += text
    },
    clusterCommands: async () => clusterCommands,
    tagCommands: async () => tagCommands,
    namesInCluster: async () => (_, of, namespace) => answer([], { of, namespace }),
    // `run` would not end by itself.
    stopSignal: () => (words.includes('run') ? AbortSignal.abort('SIGTERM') : new AbortController().signal),
  })
  return { status, ...seen }
}

function noFake(): never {
  throw new Error('the test gives no image')
}

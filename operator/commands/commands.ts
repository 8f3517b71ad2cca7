/** The commands that need a cluster, as the command line calls them. */
import type { Settings } from '../config/settings.ts'
import type { Logger } from '../log/log.ts'
import type { WorkloadVersion } from '../rollouts/observe/json-of-2018.ts'
import type { VersionsRequest } from './get.ts'
import type { ConvertedManifests } from './migrate/documents.ts'
import type { MoveRequest, MoveResult } from './migrate/move.ts'
import type { ObjectName } from './object.ts'
import type { StatusRequest } from './status/status.ts'
import type { SyncRequest, SyncResult } from './sync.ts'
import type { WaitRequest, WaitResult } from './wait/result.ts'

/** Without a namespace, that of the kubeconfig's context. */
export type NamedObject = InItsNamespace<ObjectName>
type InItsNamespace<T extends ObjectName> = Omit<T, 'namespace'> & { readonly namespace: string | undefined }

/** A request for a poll, as cvmanager sees it. */
export interface Asked extends ObjectName {
  /** The value of the annotation. */
  readonly request: string
  /** What cvmanager polls: an image with its tag, or a repository. */
  readonly follows: string
}

export interface ClusterCommands {
  /**
   * Runs the controller until the signal; then it finishes what must not stay half done, and releases the Lease.
   * @throws Error when the controller cannot go on
   */
  runOperator(settings: Settings, log: Logger, signal: AbortSignal): Promise<void>
  sync(request: SyncRequest): Promise<SyncResult>
  getVersions(settings: Settings, request: Omit<VersionsRequest, 'own'>): Promise<readonly WorkloadVersion[]>
  /** Asks the controller to poll and to reconcile now. @throws ObjectNotFoundError */
  reconcile(settings: Settings, object: NamedObject): Promise<Asked>
  /** Waits for a version of a ContainerVersion. */
  wait(settings: Settings, request: InItsNamespace<WaitRequest>): Promise<WaitResult & ObjectName>
  /** Shows a ContainerVersion as it is, once or until the signal. @throws ObjectNotFoundError, also when it is deleted */
  status(settings: Settings, request: InItsNamespace<StatusRequest>): Promise<void>
  /** The old objects of a cluster as new ones. @param namespace undefined: all */
  convertCluster(settings: Settings, namespace: string | undefined): Promise<ConvertedManifests>
  /** Moves a cluster from the old program to this one. @throws NotConvertibleError */
  move(settings: Settings, request: MoveRequest): Promise<MoveResult>
  /** The data of a ConfigMap; undefined if it does not exist. */
  configMapData(
    settings: Settings,
    namespace: string,
    name: string,
  ): Promise<Readonly<Record<string, string>> | undefined>
}

/** What a shell completes: the ContainerVersions of a namespace, the namespaces, or the contexts of the kubeconfig. */
export type NamesInCluster = (
  settings: Settings,
  of: 'objects' | 'namespaces' | 'contexts',
  namespace: string | undefined,
  signal: AbortSignal,
) => Promise<readonly string[]>

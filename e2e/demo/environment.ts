import type { ImageMaker } from './publisher.ts'
import type { Shell } from './shell.ts'

/** The cluster and the registry of the demo, simulated or the user's own. */
export interface Environment {
  /** The administrator's kubeconfig. */
  readonly kubeconfig: string
  /** For the demo's files. Removed at the end. */
  readonly directory: string
  readonly shell: Shell
  /** The registry's host in `imageRepo`. */
  readonly registryHost: string
  readonly registryOrigin: string
  readonly images: { readonly make: ImageMaker; readonly architectures: readonly string[] }
  readonly simulated: boolean
  /** How long a rollout may take before the demo gives up. */
  readonly timeoutMs: number
  /** Counts cvmanager's image patches so far, if there is an audit log. */
  imagePatches(): Promise<number | undefined>
  /** Called while cvmanager still runs, so that a rollout in progress ends cleanly. */
  removeContainerVersions(): Promise<void>
  /** Removes everything that the demo has created. */
  end(): Promise<void>
}

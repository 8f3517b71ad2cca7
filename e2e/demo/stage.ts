import type { ImageMaker } from './publisher.ts'
import type { Shell } from './shell.ts'

/** Where the demo is played: a cluster and a registry, simulated or the user's own. */
export interface Stage {
  /** An administrator's. */
  readonly kubeconfig: string
  /** For files of the demo; gone at the end. */
  readonly directory: string
  readonly shell: Shell
  /** As `imageRepo` names the registry. */
  readonly registryHost: string
  readonly registryOrigin: string
  readonly images: { readonly make: ImageMaker; readonly architectures: readonly string[] }
  readonly simulated: boolean
  /** How long a rollout may take before the demo gives up. */
  readonly patienceMs: number
  /** Image patches by cvmanager so far, where an audit log tells. */
  imagePatches(): Promise<number | undefined>
  /** While cvmanager still runs, so that a rollout under way ends cleanly. */
  withdraw(): Promise<void>
  /** Removes all that the demo has brought. */
  end(): Promise<void>
}

import type { ContainerVersion } from '../../api/container-version.ts'
import type { RolloutStatus } from '../../api/status.ts'
import type { Hands } from './effects.ts'
import { type Patched, takeBack } from './patches.ts'

/**
 * Beginnings of rollouts that are patched, and not in the status yet. What a restart has to know of them follows from
 * `status.current`; this is for the moments in which there is no object any more whose status could tell: one that is
 * deleted before it has its finalizer leaves the workloads as they were, as at any other time of a rollout.
 */
export class Unwritten {
  readonly #begun = new Map<
    string,
    { readonly uid: string; readonly rollout: RolloutStatus; readonly patched: readonly Patched[] }
  >()

  begun({ key, uid }: ContainerVersion, rollout: RolloutStatus, patched: readonly Patched[]): void {
    this.#begun.set(key, { uid, rollout, patched })
  }

  /** The status says what there is to say. */
  written(key: string): void {
    this.#begun.delete(key)
  }

  /** @param now the object of that key @throws ApiError */
  async settle(hands: Hands, key: string, now: ContainerVersion | undefined): Promise<void> {
    const begun = this.#begun.get(key)
    if (!begun || (now?.uid === begun.uid && !now.deleting)) return
    await takeBack(hands, begun.rollout, begun.patched)
    this.#begun.delete(key)
  }
}

/** Who the platform says that this process is, as far as a registry of that platform takes its word. */

import type { Repository } from '../../images/reference.ts'
import type { Credentials } from '../registry.ts'

export interface CloudIdentity {
  /**
   * Undefined where the platform gives none, or the registry did not take it; `story` then says why.
   * @throws TransientError where the platform cannot be asked at this moment
   */
  credentials(repository: Repository, signal: AbortSignal | undefined): Promise<Credentials | undefined>
  /** For people who are refused without credentials: what became of the identity. One sentence. */
  story(repository: Repository): string
  /** For people who are refused with its credentials: as whom, and which right that one needs. */
  denied(repository: Repository): string
}

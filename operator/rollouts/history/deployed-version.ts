import type { ContainerVersion } from '../../api/container-version.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { writeConfigMap } from './config-map.ts'

/** Writes the version that the workloads run to the ConfigMap key in `spec.config`. */
export class DeployedVersion {
  readonly #client: ApiClient
  /** The last write for each key, so that an unchanged version costs no request. */
  readonly #written = new Map<string, string>()

  constructor(client: ApiClient) {
    this.#client = client
  }

  /** @throws ApiError, TransientError */
  async write({ key, namespace, spec, status }: ContainerVersion): Promise<void> {
    const { config } = spec
    const version = status.current?.version
    if (!config || version === undefined || status.phase !== 'UpToDate') return
    const written = `${config.name} ${config.key} ${version}`
    if (this.#written.get(key) === written) return
    await writeConfigMap(this.#client, namespace, config.name, (data) =>
      data[config.key] === version ? undefined : { [config.key]: version },
    )
    this.#written.set(key, written)
  }

  forget(key: string): void {
    this.#written.delete(key)
  }
}

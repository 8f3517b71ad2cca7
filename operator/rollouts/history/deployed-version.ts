import type { ContainerVersion } from '../../api/container-version.ts'
import type { CurrentVersion } from '../../api/status.ts'
import { exactName } from '../../images/digest.ts'
import { digestOf } from '../../images/image.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { writeConfigMap } from './config-map.ts'

/**
 * Writes the version that the workloads run, whoever has set it, to the ConfigMap key in `spec.config`. If they run several,
 * the key has one of them, since a chart makes an image of it: the one that it has already, while that runs. While there is no
 * workload, the key stays: a workload that is made of it then gets what ran last. A version without a name is its whole digest
 * there, for the same reason.
 */
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
    const versions = runningVersions(status.current)
    const [version] = versions
    if (!config || version === undefined) return
    const written = `${config.name} ${config.key} ${versions.join(', ')}`
    if (this.#written.get(key) === written) return
    await writeConfigMap(this.#client, namespace, config.name, (data) =>
      versions.includes(data[config.key] ?? '') ? undefined : { [config.key]: version },
    )
    this.#written.set(key, written)
  }

  forget(key: string): void {
    this.#written.delete(key)
  }
}

const runningVersions = (current: CurrentVersion | undefined): readonly string[] =>
  current?.containers?.map(({ version, image }) => exactName(version, digestOf(image))) ??
  (current ? [exactName(current.version, current.digest)] : [])

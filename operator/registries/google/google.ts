/** Google Artifact Registry and Container Registry: OCI registries that Google's identities open. */
import { OciRegistry } from '../oci/oci.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { GoogleCloud } from './google-cloud.ts'

/** `europe-docker.pkg.dev`, `us-central1-docker.pkg.dev`, `gcr.io`, `eu.gcr.io`, and nothing that merely ends alike (B02). */
const isGoogles = (host: string): boolean => /^(?:[a-z0-9-]+-docker\.pkg\.dev|(?:[a-z]+\.)?gcr\.io)$/.test(host)

export const google: RegistryKind = {
  kind: 'gar',
  serves: isGoogles,
  make: ({ transport }) => new OciRegistry(transport, { kind: 'gar' }),
  makeCloud: (deps) => new GoogleCloud(deps),
}

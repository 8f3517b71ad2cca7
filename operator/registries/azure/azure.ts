/** Azure Container Registry: an OCI registry that Azure's identities open. */
import { OciRegistry } from '../oci/oci.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { AzureCloud } from './azure-cloud.ts'

/** `shop.azurecr.io`, and the sovereign clouds' (B02). */
const isAzures = (host: string): boolean => /^[a-z0-9-]+(?:\.[a-z0-9-]+)?\.azurecr\.(?:io|us|cn)$/.test(host)

export const azure: RegistryKind = {
  kind: 'acr',
  serves: isAzures,
  make: ({ transport }) => new OciRegistry(transport, { kind: 'acr' }),
  makeCloud: (deps) => new AzureCloud(deps),
}

/** Azure Container Registry: the OCI protocol, with the identity of the manager, or of a tenant's service account. */

import { metadataAddress } from '../credentials/metadata.ts'
import { WithIdentity } from '../credentials/with-identity.ts'
import { OciRegistry } from '../oci/oci.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { AzureIdentity, accountOf } from './azure-identity.ts'
import { ManagedIdentity } from './azure-managed.ts'
import { AzureServiceAccount } from './azure-service-account.ts'

/** `shop.azurecr.io`, and the sovereign clouds' (B02). */
export const isAzures = (host: string): boolean => /^[a-z0-9-]+(?:\.[a-z0-9-]+)?\.azurecr\.(?:io|us|cn)$/.test(host)

export const azure: RegistryKind = {
  kind: 'acr',
  serves: isAzures,
  make: ({ transport, env, endpoints, cloudIdentity = true }) => {
    const registry = new OciRegistry(transport)
    if (!cloudIdentity) return registry
    const metadata = endpoints['azure-metadata'] ?? `http://${metadataAddress}`
    const account = accountOf(env) ?? new ManagedIdentity(transport, metadata, env)
    return new WithIdentity('acr', registry, new AzureIdentity(transport, account))
  },
  serviceAccounts: {
    make: ({ transport, env }, account) =>
      new WithIdentity('acr', new OciRegistry(transport), new AzureServiceAccount(transport, account, env)),
  },
}

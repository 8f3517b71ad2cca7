/** Azure Container Registry: the OCI protocol, with the workload identity of the manager or of a tenant's service account. */
import { OciRegistry } from '../oci.ts'
import type { RegistryKind } from '../registry-kind.ts'
import { AzureIdentity, accountOf } from './azure-identity.ts'
import { AzureServiceAccount } from './azure-service-account.ts'
import { WithIdentity } from './with-identity.ts'

/** `shop.azurecr.io`, and the sovereign clouds' (B02). */
export const isAzures = (host: string): boolean => /^[a-z0-9-]+(?:\.[a-z0-9-]+)?\.azurecr\.(?:io|us|cn)$/.test(host)

export const azure: RegistryKind = {
  kind: 'acr',
  serves: isAzures,
  make: ({ transport, env, cloudIdentity = true }) => {
    const registry = new OciRegistry(transport)
    if (!cloudIdentity) return registry
    return new WithIdentity('acr', registry, new AzureIdentity(transport, accountOf(env)))
  },
  serviceAccounts: {
    make: ({ transport, env }, account) =>
      new WithIdentity('acr', new OciRegistry(transport), new AzureServiceAccount(transport, account, env)),
  },
}

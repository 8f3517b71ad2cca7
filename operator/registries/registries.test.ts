import t from 'tap'
import { parseReference } from '../images/reference.ts'
import { systemClock } from '../time/clock.ts'
import { providerNames } from './provider-names.ts'
import { Registries, registryKinds } from './registries.ts'
import { transportTo } from './testing/peer.ts'

t.test('every kind of registry can be named by --provider', async (t) => {
  t.same(
    providerNames,
    registryKinds.map(({ kind }) => kind),
    'provider-names.ts has them once more, in the same order',
  )
})

t.test('B02 the registry is chosen by the host as a whole, never by a part of the name', async (t) => {
  const registries = new Registries({ transport: transportTo(t, []), clock: systemClock, endpoints: {}, env: {} })
  const kindFor = (image: string, provider?: string) => registries.for(parseReference(image).repository, provider).kind
  const cases: readonly (readonly [string, string])[] = [
    ['nginx', 'dockerhub'],
    ['docker.io/shop/web', 'dockerhub'],
    ['docker.io.example.com/shop/web', 'oci'],
    ['registry.example.com/docker.io/web', 'oci'],
    ['registry.example.com/123456789012.dkr.ecr.eu-west-1.amazonaws.com/web', 'oci'],
    ['localhost:5000/ghcr.io/web', 'oci'],
  ]
  for (const [image, kind] of cases) t.equal(kindFor(image), kind, image)
  t.equal(kindFor('nginx', 'oci'), 'oci')
  const mismatch = {
    reason: 'RegistryHostMismatch',
    message: /registry\.example\.com is not a host of the provider dockerhub/,
  }
  t.throws(() => kindFor('registry.example.com/x', 'dockerhub'), mismatch)
  t.throws(() => kindFor('registry.example.com/x', 'none'), mismatch.reason)
  t.equal(
    registries.for(parseReference('a.example.com/x').repository),
    registries.for(parseReference('b.example.com/y').repository),
  )
})

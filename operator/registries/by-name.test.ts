import t from 'tap'
import { parseReference } from '../images/reference.ts'
import { systemClock } from '../time/clock.ts'
import { Registries } from './registries.ts'
import { transportTo } from './testing/peer.ts'

t.test('B02 a registry is known by its whole host and by nothing that merely looks like it', async (t) => {
  const registries = new Registries({ transport: transportTo(t, []), clock: systemClock, endpoints: {}, env: {} })
  const kindOf = (image: string) => registries.for(parseReference(image).repository).kind
  for (const [image, kind] of [
    ['nginx', 'dockerhub'],
    ['docker.io/shop/web', 'dockerhub'],
    ['index.docker.io/shop/web', 'dockerhub'],
    ['docker.io.evil.com/shop/web', 'oci'],
    ['ghcr.io/shop/web', 'ghcr'],
    ['ghcr.io.evil.com/shop/web', 'oci'],
    ['quay.io/shop/web', 'quay'],
    ['quay.example.com/shop/web', 'oci'],
    ['europe-docker.pkg.dev/project/shop/web', 'gar'],
    ['us-central1-docker.pkg.dev/project/shop/web', 'gar'],
    ['gcr.io/project/web', 'gar'],
    ['eu.gcr.io/project/web', 'gar'],
    ['evil-docker.pkg.dev.evil.com/shop/web', 'oci'],
    ['docker.pkg.dev:5000/shop/web', 'oci'],
    ['notgcr.io/shop/web', 'oci'],
    ['shop.azurecr.io/web', 'acr'],
    ['shop.azurecr.cn/web', 'acr'],
    ['shop.azurecr.io.evil.com/web', 'oci'],
    ['registry.gitlab.com/shop/web', 'oci'],
    ['harbor.example.com/shop/web', 'oci'],
  ] as const) {
    t.equal(kindOf(image), kind, image)
  }
  const { repository } = parseReference('quay.example.com/shop/web')
  t.throws(() => registries.for(repository, 'dockerhub'), { name: 'NeedsChangeError', reason: 'RegistryHostMismatch' })
  t.equal(registries.for(repository, 'oci').kind, 'oci')
})

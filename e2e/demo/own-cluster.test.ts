import t from 'tap'
import { UsageError } from '../../operator/errors.ts'
import { ownClusterAsked } from './own-cluster.ts'

t.test('a KUBECONFIG alone does not make the demo touch that cluster', async (t) => {
  t.equal(ownClusterAsked({}), undefined)
  t.equal(ownClusterAsked({ KUBECONFIG: '/home/me/.kube/config' }), undefined)
})

t.test('a cluster and a registry, both named, are used', async (t) => {
  const registry = 'registry.example.com:5000'
  t.same(ownClusterAsked({ KUBECONFIG: '/a', DEMO_REGISTRY: registry }), { kubeconfig: '/a', registry })
  t.same(ownClusterAsked({ KUBECONFIG: '/a', DEMO_KUBECONFIG: '/b', DEMO_REGISTRY: registry }), {
    kubeconfig: '/b',
    registry,
  })
})

t.test('one without the other is refused, and so is an address that is no host', async (t) => {
  t.throws(() => ownClusterAsked({ DEMO_KUBECONFIG: '/b' }), UsageError)
  t.throws(() => ownClusterAsked({ DEMO_REGISTRY: 'localhost:5000' }), UsageError)
  t.throws(() => ownClusterAsked({ KUBECONFIG: '/a', DEMO_REGISTRY: 'https://localhost:5000/x' }), UsageError)
})

import t from 'tap'
import { UsageError } from '../../operator/errors.ts'
import { requestedCluster } from './own-environment.ts'

t.test('KUBECONFIG alone does not make the demo use that cluster', async (t) => {
  t.equal(requestedCluster({}), undefined)
  t.equal(requestedCluster({ KUBECONFIG: '/home/me/.kube/config' }), undefined)
})

t.test('the demo uses a cluster and a registry if both are named', async (t) => {
  const registry = 'registry.example.com:5000'
  t.same(requestedCluster({ KUBECONFIG: '/a', DEMO_REGISTRY: registry }), { kubeconfig: '/a', registry })
  t.same(requestedCluster({ KUBECONFIG: '/a', DEMO_KUBECONFIG: '/b', DEMO_REGISTRY: registry }), {
    kubeconfig: '/b',
    registry,
  })
})

t.test('the demo refuses one without the other, and an address that is not a host', async (t) => {
  t.throws(() => requestedCluster({ DEMO_KUBECONFIG: '/b' }), UsageError)
  t.throws(() => requestedCluster({ DEMO_REGISTRY: 'localhost:5000' }), UsageError)
  t.throws(() => requestedCluster({ KUBECONFIG: '/a', DEMO_REGISTRY: 'https://localhost:5000/x' }), UsageError)
})

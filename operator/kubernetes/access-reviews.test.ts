import { test } from 'tap'
import { AccessReviews, type User } from './access-reviews.ts'
import type { ApiClient } from './client.ts'

const jane: User = { username: 'jane', uid: 'u', groups: ['devs'], extra: { scopes: ['read'] } }

function reviews(status: object | (() => never)) {
  const asked: { path: string; spec: unknown }[] = []
  const create = async (path: string, { spec }: { spec: unknown }) => {
    asked.push({ path, spec })
    return { status: typeof status === 'function' ? status() : status }
  }
  return { asked, reviews: new AccessReviews({ create } as unknown as ApiClient) }
}

test('the API server is asked once who a token is, and a token that it refuses is nobody', async (t) => {
  const known = reviews({ authenticated: true, user: jane })
  const users = await Promise.all([known.reviews.userOf('t'), known.reviews.userOf('t')])
  t.same(users, [jane, jane])
  t.same(await known.reviews.userOf('t'), jane)
  t.same(known.asked, [{ path: '/apis/authentication.k8s.io/v1/tokenreviews', spec: { token: 't' } }])
  t.equal(await known.reviews.userOf('other').then(() => known.asked.length), 2)

  // A refused token may come with a user.
  const unknown = reviews({ authenticated: false, user: jane })
  t.equal(await unknown.reviews.userOf('t'), undefined)
  t.equal(await reviews({}).reviews.userOf('t'), undefined)
})

test('the API server is asked what a user may list, with all that makes up the user', async (t) => {
  const allowed = reviews({ allowed: true })
  t.equal(await allowed.reviews.mayList(jane, 'shop'), true)
  t.equal(await allowed.reviews.mayList(jane, 'shop'), true)
  t.equal(await allowed.reviews.mayList(jane, undefined), true)
  t.equal(await allowed.reviews.mayList({ ...jane, groups: ['others'] }, 'shop'), true)
  const attributes = { verb: 'list', group: 'cvmanager.io', resource: 'containerversions' }
  t.match(allowed.asked, [
    {
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      spec: {
        user: 'jane',
        uid: 'u',
        groups: ['devs'],
        extra: jane.extra,
        resourceAttributes: { ...attributes, namespace: 'shop' },
      },
    },
    { spec: { resourceAttributes: { ...attributes, namespace: undefined } } },
    { spec: { groups: ['others'] } },
  ])
  t.equal(allowed.asked.length, 3)
  for (const status of [{ allowed: false }, {}, { denied: true, allowed: false }])
    t.equal(await reviews(status).reviews.mayList(jane, 'shop'), false)
})

test('without an answer nobody is let in, and the next request asks again', async (t) => {
  const away = reviews(() => {
    throw new Error('away')
  })
  for (const _ of [1, 2]) {
    await t.rejects(away.reviews.userOf('t'), { message: 'away' })
    await t.rejects(away.reviews.mayList(jane, 'shop'), { message: 'away' })
  }
  t.equal(away.asked.length, 4)
})
